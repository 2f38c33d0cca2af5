// Threshold as range and number. st.slider reports on release only; here the page follows the hand, at most every 120 ms.
const SEND_EVERY_MS = 120
const STEP = 0.001

export default function ({ data, parentElement, setStateValue }) {
  const range = parentElement.querySelector("#range")
  const number = parentElement.querySelector("#number")
  const state = (parentElement._threshold ??= { sentAt: 0, timer: 0, dragging: false, typing: false })

  for (const input of [range, number]) Object.assign(input, { min: 0, max: 1, step: STEP })
  range.setAttribute("aria-valuetext", Number(data.value).toFixed(3))
  if (!state.dragging) range.value = data.value // never fight the hand that drags
  if (!state.dragging && !state.typing) number.value = Number(data.value).toFixed(3)

  function send(value) {
    clearTimeout(state.timer)
    const wait = Math.max(0, SEND_EVERY_MS - (performance.now() - state.sentAt))
    state.timer = setTimeout(() => {
      state.sentAt = performance.now()
      setStateValue("value", value)
    }, wait)
  }

  range.oninput = () => {
    state.dragging = true
    number.value = Number(range.value).toFixed(3)
    send(Number(range.value))
  }
  range.onchange = () => {
    state.dragging = false
    send(Number(range.value))
  }
  number.oninput = () => (state.typing = true)
  number.onchange = () => {
    state.typing = false
    const typed = Number.parseFloat(number.value)
    const value = Number.isFinite(typed) ? Math.min(1, Math.max(0, typed)) : Number(data.value)
    range.value = value
    number.value = value.toFixed(3)
    send(value)
  }
}
