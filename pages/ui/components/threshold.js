// Threshold as range and number. st.slider reports on release only; here the page follows the hand, at most every 120 ms.
const SEND_EVERY_MS = 120
const STEP = 0.001

// Python answers late, and meanwhile the hand has moved on. Whether a value from Python is to be shown:
// an echo of the last value sent, or news from another control, but no echo of an earlier one.
function isNews(state, value) {
  if (value === state.known) return false
  state.known = value
  const echo = state.sent.indexOf(value)
  state.sent = echo < 0 ? [] : state.sent.slice(echo + 1)
  return !state.dragging && !state.typing && !state.timer && !state.sent.length
}

export default function ({ data, parentElement, setTriggerValue }) {
  const range = parentElement.querySelector("#range")
  const number = parentElement.querySelector("#number")
  const state = (parentElement._threshold ??= { known: null, sent: [], sentAt: 0, timer: 0 })

  for (const input of [range, number]) Object.assign(input, { min: 0, max: 1, step: STEP })
  if (isNews(state, data.value)) show(data.value)

  function show(value) {
    range.value = value
    number.value = value.toFixed(3)
    tell(value)
  }

  // what draws by itself follows the hand without waiting for Python
  function tell(value) {
    window._dermtreeThreshold = value
    window.dispatchEvent(new CustomEvent("dermtree-threshold"))
  }

  function send(value) {
    clearTimeout(state.timer)
    const wait = Math.max(0, SEND_EVERY_MS - (performance.now() - state.sentAt))
    state.timer = setTimeout(() => {
      state.timer = 0
      state.sentAt = performance.now()
      state.sent.push(value)
      // a trigger, no state: a value sent before, from which a preset has led away since, is sent once more
      setTriggerValue("value", value)
    }, wait)
  }

  range.oninput = () => {
    state.dragging = true
    number.value = Number(range.value).toFixed(3)
    tell(Number(range.value))
    send(Number(range.value))
  }
  range.onchange = () => {
    state.dragging = false
    send(Number(range.value))
  }
  number.oninput = () => {
    state.typing = true
  }
  number.onblur = () => {
    if (state.typing) show(state.known) // typed, but left unfinished
    state.typing = false
  }
  number.onchange = () => {
    state.typing = false
    const typed = Number.parseFloat(number.value)
    if (!Number.isFinite(typed)) return show(Number(range.value))
    const value = Math.min(1, Math.max(0, typed))
    show(value)
    send(value)
  }
}
