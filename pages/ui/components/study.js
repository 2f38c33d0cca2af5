// Desk of a reader: one image, a question, and answers by keys or buttons. What is shown next is here already, so it
// appears at once; the time counts from when it is painted, without what the tab was hidden. An answer names its image
// and is sent until Python has heard it; meanwhile no other one can be given. What Python says always wins.
const DEAD_MS = 300 // after an image appears: the second press of a double click answers nothing
const RETRY_MS = 3000
const MAX_ZOOM = 8
const ZOOM_STEP = 1.25
const WHEEL_STEP = 1.15
const DOUBLE_CLICK_ZOOM = 2.5
const PAN_PX = 40
const LEVELS = [0, 25, 50, 75, 100]
const HALF_SURE = 50

const clamp = (value, low, high) => Math.min(high, Math.max(low, value))

function part(tag, className, text) {
  const element = document.createElement(tag)
  element.className = className
  if (text !== undefined) element.textContent = text
  return element
}

// Seconds an image was on the screen of a tab that was visible.
class Clock {
  total = 0
  since = null

  start() {
    this.total = 0
    this.since = document.visibilityState === "visible" ? performance.now() : null
  }

  look() {
    const now = performance.now()
    if (this.since !== null) this.total += now - this.since
    this.since = document.visibilityState === "visible" ? now : null
  }

  stop() {
    this.look()
    this.since = null
    return this.total / 1000
  }
}

class Desk {
  boot = null
  sheets = new Map() // key -> { image, map, said }
  view = null // { key, number, correcting } on the screen
  phase = "blank" // "blank", "reading" or "sure"
  turn = 0 // of images shown: what belongs to an earlier one comes too late
  clock = new Clock()
  pending = null // message Python has not heard yet
  asked = null // sheet that was asked for ahead of time
  blankUntil = 0
  openAt = 0
  sureAt = 0
  mapShown = true
  zoom = { k: 1, x: 0, y: 0 }
  pointers = new Map()

  constructor(root) {
    this.root = root
    this.find = (query) => root.querySelector(query)
    this.onKey = (event) => this.press(event)
    this.onVisible = () => this.phase === "reading" && this.clock.look()
    this.resized = new ResizeObserver(() => this.panBy(0, 0)) // a zoomed image must not leave the pane
    this.find(".pause").onclick = () => this.tell("pause")
    this.find(".back").onclick = () => this.goBack()
    this.find(".map").onclick = () => this.toggleMap()
    this.find(".skip").onclick = this.pressed(() => this.deliver(null))
    this.find(".use").onclick = this.pressed(() => this.deliver(Number(this.find(".exact input").value)))
    this.find(".other").onclick = this.pressed(() => this.resumeChoice())
    this.find(".exact input").oninput = (event) => this.offer(event.target.value)
    this.prepareLevels()
    this.prepareZoom()
  }

  // what Python says

  take(data, send) {
    this.send = send
    if (data.boot !== this.boot) {
      Object.assign(this, { boot: data.boot, view: null, asked: null, blankUntil: 0 })
      this.sheets.clear()
      // a server that came back has not heard the answer; if it has, it keeps it once
      if (this.pending?.kind === "answer") this.push()
      else this.settle()
    }
    this.data = data
    for (const [key, sheet] of Object.entries(data.sheets)) if (!this.sheets.has(key)) this.lay(key, sheet)
    const wanted = [data.now.key, data.next?.key, this.view?.key]
    for (const key of [...this.sheets.keys()]) if (!wanted.includes(key)) this.sheets.delete(key)
    if (this.pending && data.heard === this.pending.id) this.settle()
    if (!this.pending) {
      const now = data.now
      if (this.view?.key !== now.key || this.view.corrects !== now.corrects || this.view.spent) this.show(now)
      else this.view = now
    }
    this.draw()
    this.askAhead()
  }

  lay(key, sheet) {
    const image = new Image()
    image.draggable = false
    image.src = sheet.url
    const map = sheet.map ? new Image() : null
    if (map) Object.assign(map, { src: sheet.map, alt: "" })
    const ready = Promise.all([image, map].map((picture) => picture?.decode()))
    this.sheets.set(key, { image, map, ready, said: sheet.said })
  }

  // what is on the screen

  async show(view) {
    const turn = ++this.turn
    Object.assign(this, { view, phase: "blank", chosen: null })
    this.find(".pane").replaceChildren()
    this.fit()
    this.draw()
    const left = this.blankUntil - performance.now()
    if (left > 0) await new Promise((done) => setTimeout(done, left))
    const sheet = this.sheets.get(view.key)
    if (turn !== this.turn) return
    if (!sheet) {
      this.view = { ...view, spent: true } // Python sends it, and it is shown then
      return this.ask("missing")
    }
    await sheet.ready.catch(() => null)
    if (turn !== this.turn) return
    sheet.image.alt = `Image ${view.number} of ${this.data.total}`
    this.find(".pane").replaceChildren(...[sheet.image, sheet.map].filter(Boolean))
    this.fit()
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))) // now it is painted
    if (turn !== this.turn) return
    this.phase = "reading"
    this.clock.start()
    this.openAt = performance.now() + DEAD_MS
    setTimeout(() => turn === this.turn && this.draw(), DEAD_MS)
    this.draw()
    this.askAhead()
  }

  draw() {
    const { data, view, find } = this
    if (!data || !view) return
    const sheet = this.sheets.get(view.key)
    const correcting = view.corrects !== null
    const isOpen = this.isOpen()
    find(".label").textContent = `${correcting ? "Your last answer: image" : data.noun} ${view.number} of ${data.total}`
    find(".part").textContent = data.part
    const done = Math.min(data.total, data.done + (this.pending?.kind === "answer" && this.pending.corrects === null ? 1 : 0))
    const bar = find(".bar")
    bar.setAttribute("aria-valuemax", data.total)
    bar.setAttribute("aria-valuenow", done)
    find(".bar i").style.width = `${(100 * done) / data.total}%`
    const notice = this.late ? "Not saved yet: the server does not answer. Leave this page open, it tries again." : data.notice
    find(".notice").textContent = notice
    find(".notice").hidden = !notice
    const back = find(".back")
    back.textContent = correcting ? "Keep it" : "Back"
    back.title = correcting ? "Keep the answer as it is (key B)" : "Correct the last answer (key B)"
    back.disabled = Boolean(this.pending) || !(correcting || data.canBack)
    find(".pause").disabled = Boolean(this.pending)
    find(".pause").title = "Key P"
    const sure = this.phase === "sure"
    find(".prompt").textContent = sure ? `${this.chosen.words}. How sure are you?` : data.prompt
    find(".answers").hidden = sure
    find(".sure").hidden = !sure
    const hint = find(".hint")
    const keys = sure ? "Keys 1 to 5, or the line. S skips, Escape goes back to the answers." : data.hint
    hint.replaceChildren(part("span", "", keys), part("span", "wide", ` ${data.more}`))
    find(".stage").setAttribute(
      "aria-label",
      `Image ${view.number} of ${data.total}. Plus and minus zoom, 0 fits, arrow keys pan.`,
    )
    const shows = this.phase !== "blank"
    find(".said").hidden = !sheet?.said
    find(".said").style.visibility = shows ? "visible" : "hidden"
    find(".sentence").textContent = sheet?.said?.sentence ?? ""
    find(".map").hidden = !sheet?.map
    find(".map").setAttribute("aria-pressed", String(this.mapShown))
    find(".map").textContent = this.mapShown ? "Map shown (M)" : "Map hidden (M)"
    if (sheet?.map) sheet.map.style.visibility = this.mapShown ? "visible" : "hidden"
    this.drawAnswers(sheet?.said, shows, isOpen)
  }

  drawAnswers(said, shows, isOpen) {
    const { data, view } = this
    const box = this.find(".answers")
    const signature = JSON.stringify(data.choices)
    if (box.dataset.signature !== signature) {
      box.dataset.signature = signature
      box.setAttribute("aria-label", data.prompt)
      box.replaceChildren(...data.choices.map((choice, i) => this.button(choice, i)))
      const n = data.choices.length
      box.style.setProperty("--columns", n <= 3 ? n : data.columns)
      box.style.setProperty("--narrow", n === 2 || n > 6 && data.columns === 4 ? 2 : 1)
      box.classList.toggle("many", n > 3)
    }
    ;[...box.children].forEach((button, i) => {
      button.disabled = !isOpen
      button.setAttribute("aria-pressed", String(view.corrects !== null && data.given === data.choices[i].id))
      const share = button.querySelector(".share")
      const value = shows ? said?.shares[i] : null
      share.hidden = value === null || value === undefined
      share.firstChild.style.width = `${100 * (value ?? 0)}%`
    })
  }

  button(choice, i) {
    const button = part("button", "")
    button.type = "button"
    button.append(part("span", "", choice.words), part("kbd", "", String(i + 1)))
    const share = part("span", "share")
    share.append(part("i", ""))
    button.append(share)
    button.onclick = () => this.choose(i)
    return button
  }

  prepareLevels() {
    const box = this.find(".levels")
    box.style.setProperty("--columns", LEVELS.length)
    LEVELS.forEach((level, i) => {
      const words = { 0: "Guess", 100: "Sure" }[level] ?? String(level)
      const button = part("button", "")
      button.type = "button"
      button.setAttribute("aria-label", `${level} of 100`)
      button.append(part("span", "", words), part("kbd", "", String(i + 1)))
      button.onclick = this.pressed(() => this.deliver(level))
      box.append(button)
    })
  }

  // answers

  isOpen() {
    return this.phase === "reading" && !this.pending && performance.now() >= this.openAt
  }

  choose(i) {
    const choice = this.data.choices[i]
    if (!choice || !this.isOpen()) return
    this.chosen = { ...choice, seconds: this.clock.stop() }
    if (!this.data.confidence) return this.deliver(null)
    this.phase = "sure"
    this.sureAt = performance.now() + DEAD_MS
    this.find(".exact input").value = HALF_SURE // not what was said of the image before
    this.offer(HALF_SURE)
    this.draw()
    this.rest()
  }

  offer(level) {
    this.find(".use").textContent = `Use ${level}`
  }

  // How sure lies where the answers were: the second press of a double click says nothing. Keys say what they say.
  pressed(act) {
    return (event) => (event.detail && performance.now() < this.sureAt ? null : act())
  }

  // Away from the button that was pressed: Enter must not press it for what comes next.
  rest() {
    this.find(".prompt").focus({ preventScroll: true })
  }

  resumeChoice() {
    if (this.phase !== "sure") return
    this.phase = "reading"
    this.chosen = null
    this.clock.look() // goes on from what it was
    this.draw()
  }

  deliver(confidence) {
    if (!this.chosen || this.pending) return
    const { view, chosen, data } = this
    const answer = { answer: chosen.id, seconds: chosen.seconds, confidence, corrects: view.corrects }
    this.tell("answer", { key: view.key, position: view.position, helped: view.helped, ...answer })
    this.rest()
    if (view.corrects === null) this.blankUntil = performance.now() + 1000 * data.washout
    if (data.next && this.sheets.has(data.next.key)) this.show(data.next)
    else {
      this.turn++
      Object.assign(this, { phase: "blank", view: { ...view, spent: true } })
      this.find(".pane").replaceChildren(part("p", "", "Saving"))
      this.draw()
    }
  }

  goBack() {
    if (this.phase === "sure") return this.resumeChoice()
    if (this.pending || !this.view) return
    if (this.view.corrects !== null) this.tell("keep")
    else if (this.data.canBack) this.tell("back")
  }

  // A message that Python must hear: sent again until it has.
  tell(kind, more = {}) {
    if (this.pending) return
    this.pending = { id: crypto.getRandomValues(new Uint32Array(3)).join("-"), kind, ...more }
    this.push()
    this.draw()
  }

  push() {
    clearTimeout(this.retry)
    if (!this.pending || this.gone) return
    this.send({ ...this.pending, held: [...this.sheets.keys()] })
    this.retry = setTimeout(() => {
      this.late = true
      this.draw()
      this.push()
    }, RETRY_MS)
  }

  settle() {
    clearTimeout(this.retry)
    this.pending = null
    this.late = false
  }

  // A message of no consequence.
  ask(kind) {
    this.send({ id: "", kind, held: [...this.sheets.keys()] })
  }

  askAhead() {
    const next = this.data?.next
    if (this.phase === "blank" || this.pending || !next || this.sheets.has(next.key) || this.asked === next.key) return
    this.asked = next.key
    this.ask("ahead")
  }

  toggleMap() {
    this.mapShown = !this.mapShown
    this.draw()
  }

  // keys

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("[role=dialog]")) return
    const target = event.composedPath()[0]
    const isEnter = event.key === "Enter" || event.key === " "
    if (event.repeat && isEnter) return event.preventDefault() // a key held down presses a button once
    const typing = target instanceof HTMLInputElement
    if (this.phase === "sure") {
      if (event.key === "Enter" && typing) return this.use(event, () => this.find(".use").click())
      if (event.key === "Escape" || event.key === "Backspace") return this.use(event, () => this.resumeChoice())
      if (event.key.toLowerCase() === "s") return this.use(event, () => this.deliver(null))
    }
    if (typing) return
    if (event.key >= "1" && event.key <= "9" && event.key.length === 1) {
      if (event.repeat) return
      const i = Number(event.key) - 1
      return this.use(event, () => (this.phase === "sure" ? i < LEVELS.length && this.deliver(LEVELS[i]) : this.choose(i)))
    }
    const own = { b: () => this.goBack(), Backspace: () => this.goBack(), p: () => this.tell("pause"), m: () => this.toggleMap() }
    const act = own[event.key.length === 1 ? event.key.toLowerCase() : event.key]
    if (act) return event.repeat || this.use(event, act)
    const move = {
      "+": () => this.zoomAtCentre(ZOOM_STEP),
      "=": () => this.zoomAtCentre(ZOOM_STEP),
      "-": () => this.zoomAtCentre(1 / ZOOM_STEP),
      0: () => this.fit(),
    }[event.key]
    if (move) return this.use(event, move)
    const pan = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key]
    if (pan && this.zoom.k > 1) this.use(event, () => this.panBy(pan[0] * PAN_PX, pan[1] * PAN_PX))
  }

  use(event, act) {
    event.preventDefault()
    act()
  }

  // zoom

  prepareZoom() {
    const pane = this.find(".pane")
    this.root.querySelectorAll("[data-zoom]").forEach((button) => {
      const factor = Number(button.dataset.zoom)
      button.onclick = () => (factor ? this.zoomAtCentre(factor) : this.fit())
    })
    const at = (event) => {
      const box = pane.getBoundingClientRect()
      return [event.clientX - box.x, event.clientY - box.y]
    }
    pane.onwheel = (event) => {
      event.preventDefault()
      if (event.deltaY) this.zoomBy(event.deltaY < 0 ? WHEEL_STEP : 1 / WHEEL_STEP, ...at(event)) // not of going sideways
    }
    pane.onpointerdown = (event) => {
      this.pointers.set(event.pointerId, at(event))
      if (this.zoom.k > 1 || this.pointers.size === 2) pane.setPointerCapture(event.pointerId)
    }
    pane.onpointermove = (event) => {
      const before = this.pointers.get(event.pointerId)
      if (!before) return
      const now = at(event)
      this.pointers.set(event.pointerId, now)
      const other = [...this.pointers].find(([id]) => id !== event.pointerId)
      if (other) this.pinch(other[1], before, now)
      else if (this.zoom.k > 1) this.panBy(now[0] - before[0], now[1] - before[1])
    }
    pane.onpointerup = pane.onpointercancel = pane.onpointerleave = (event) => this.pointers.delete(event.pointerId)
    pane.ondblclick = (event) => (this.zoom.k > 1 ? this.fit() : this.zoomBy(DOUBLE_CLICK_ZOOM, ...at(event)))
  }

  // Two fingers: the ratio of their distances zooms around the one that rests.
  pinch(resting, before, now) {
    const distance = (point) => Math.hypot(point[0] - resting[0], point[1] - resting[1])
    if (distance(before) > 0) this.zoomBy(distance(now) / distance(before), ...resting)
  }

  // Zoom by a factor around a point of the pane, and keep the image from leaving it.
  zoomBy(factor, x, y) {
    const { zoom } = this
    const k = clamp(zoom.k * factor, 1, MAX_ZOOM)
    const { clientWidth: width, clientHeight: height } = this.find(".pane")
    zoom.x = clamp(x - ((x - zoom.x) * k) / zoom.k, width * (1 - k), 0)
    zoom.y = clamp(y - ((y - zoom.y) * k) / zoom.k, height * (1 - k), 0)
    zoom.k = k
    this.place()
  }

  zoomAtCentre(factor) {
    const box = this.find(".pane").getBoundingClientRect()
    this.zoomBy(factor, box.width / 2, box.height / 2)
  }

  panBy(x, y) {
    this.zoom.x += x
    this.zoom.y += y
    this.zoomBy(1, 0, 0)
  }

  fit() {
    this.zoom = { k: 1, x: 0, y: 0 }
    this.place()
  }

  place() {
    const { k, x, y } = this.zoom
    this.find(".pane").querySelectorAll("img").forEach((image) => {
      image.style.transform = `translate(${x}px, ${y}px) scale(${k})`
    })
    this.find(".stage").classList.toggle("zoomed", k > 1)
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".desk")
  if (parentElement._desk?.root !== root) parentElement._desk = new Desk(root)
  const desk = parentElement._desk
  desk.gone = false
  document.addEventListener("keydown", desk.onKey)
  document.addEventListener("visibilitychange", desk.onVisible)
  desk.resized.observe(root.querySelector(".pane"))
  desk.take(data, (message) => setTriggerValue("said", message))
  return () => {
    desk.gone = true
    desk.resized.disconnect()
    document.removeEventListener("keydown", desk.onKey)
    document.removeEventListener("visibilitychange", desk.onVisible)
  }
}
