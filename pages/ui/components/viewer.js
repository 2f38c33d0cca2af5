// Image viewer: photo, photo with saliency map, both side by side, or the plain map; zoom and pan run in step on all panes.
// Zoom, pan, view and strength never go through Python; only the strength is reported, for the downloaded picture.
const MAX_ZOOM = 8
const ZOOM_STEP = 1.25
const WHEEL_STEP = 1.15
const DOUBLE_CLICK_ZOOM = 2.5
const PAN_PX = 40

const clamp = (value, low, high) => Math.min(high, Math.max(low, value))

// What a viewer remembers between reruns; a new image starts fitted, in the view that was chosen before.
function memory(parent, data) {
  const state = (parent._viewer ??= { zoom: 1, x: 0, y: 0, view: "map", strength: data.opacity, pointers: new Map() })
  if (state.image !== data.image) Object.assign(state, { image: data.image, zoom: 1, x: 0, y: 0 })
  return state
}

export default function ({ data, parentElement, setStateValue }) {
  const find = (query) => parentElement.querySelector(query)
  const findAll = (query) => [...parentElement.querySelectorAll(query)]
  const state = memory(parentElement, data)
  const panes = find(".panes")
  const strength = find(".strength input")
  const hasMap = Boolean(data.overlay)
  const view = () => (hasMap ? state.view : "photo")

  panes.style.setProperty("--height", `${data.height}px`)
  panes.setAttribute("aria-label", `${data.alt} Arrow keys pan, plus and minus zoom, 0 fits.`)
  findAll("img.photo").forEach((image) => setImage(image, data.image, data.alt))
  if (hasMap) {
    setImage(find("img.overlay"), data.overlay, "")
    setImage(find("img.plain"), data.plain, data.mapAlt)
  }

  function setImage(image, source, alt) {
    if (image.getAttribute("src") !== source) image.src = source
    image.alt = alt
  }

  function draw() {
    const transform = `translate(${state.x}px, ${state.y}px) scale(${state.zoom})`
    findAll(".pane img").forEach((image) => (image.style.transform = transform))
    panes.className = `panes ${view()} ${state.zoom > 1 ? "zoomed" : ""}`
    const shown = { photo: ["photo"], map: ["map"], both: ["photo", "map"], plain: ["plain"] }[view()]
    findAll(".pane").forEach((pane) => (pane.hidden = !shown.includes(pane.dataset.pane)))
    find("img.overlay").style.opacity = state.strength / 100
    strength.value = state.strength
    strength.disabled = !shown.includes("map")
    findAll("[data-view]").forEach((button) => {
      button.setAttribute("aria-pressed", String(button.dataset.view === view()))
      button.disabled = !hasMap && button.dataset.view !== "photo"
    })
  }

  function paneBox() {
    return findAll(".pane").find((pane) => !pane.hidden).getBoundingClientRect()
  }

  // Zoom by a factor around a point of the pane, and keep the image from leaving it.
  function zoomBy(factor, x, y) {
    const zoom = clamp(state.zoom * factor, 1, MAX_ZOOM)
    const box = paneBox()
    state.x = clamp(x - ((x - state.x) * zoom) / state.zoom, box.width * (1 - zoom), 0)
    state.y = clamp(y - ((y - state.y) * zoom) / state.zoom, box.height * (1 - zoom), 0)
    state.zoom = zoom
    draw()
  }

  function zoomAtCentre(factor) {
    const box = paneBox()
    zoomBy(factor, box.width / 2, box.height / 2)
  }

  function panBy(x, y) {
    state.x += x
    state.y += y
    zoomBy(1, 0, 0)
  }

  function fit() {
    Object.assign(state, { zoom: 1, x: 0, y: 0 })
    draw()
  }

  findAll("[data-view]").forEach((button) => {
    button.onclick = () => {
      state.view = button.dataset.view
      fit()
    }
  })
  findAll("[data-zoom]").forEach((button) => {
    const factor = Number(button.dataset.zoom)
    button.onclick = () => (factor ? zoomAtCentre(factor) : fit())
  })
  strength.oninput = () => {
    state.strength = Number(strength.value)
    draw()
  }
  strength.onchange = () => setStateValue("opacity", state.strength)

  findAll(".pane").forEach((pane) => {
    const at = (event) => {
      const box = pane.getBoundingClientRect()
      return [event.clientX - box.x, event.clientY - box.y]
    }
    pane.onwheel = (event) => {
      if (!event.ctrlKey && !event.metaKey && state.zoom === 1) return // the page still scrolls
      event.preventDefault()
      zoomBy(event.deltaY < 0 ? WHEEL_STEP : 1 / WHEEL_STEP, ...at(event))
    }
    pane.onpointerdown = (event) => {
      state.pointers.set(event.pointerId, at(event))
      if (state.zoom > 1 || state.pointers.size === 2) pane.setPointerCapture(event.pointerId)
    }
    pane.onpointermove = (event) => {
      const before = state.pointers.get(event.pointerId)
      if (!before) return
      const now = at(event)
      state.pointers.set(event.pointerId, now)
      const other = [...state.pointers].find(([id]) => id !== event.pointerId)
      if (other) pinch(other[1], before, now)
      else if (state.zoom > 1) panBy(now[0] - before[0], now[1] - before[1])
    }
    pane.onpointerup = pane.onpointercancel = pane.onpointerleave = (event) => state.pointers.delete(event.pointerId)
    pane.ondblclick = (event) => (state.zoom > 1 ? fit() : zoomBy(DOUBLE_CLICK_ZOOM, ...at(event)))
  })

  // Two fingers: the ratio of their distances zooms around the one that rests.
  function pinch(resting, before, now) {
    const distance = (point) => Math.hypot(point[0] - resting[0], point[1] - resting[1])
    if (distance(before) > 0) zoomBy(distance(now) / distance(before), ...resting)
  }

  const keys = {
    "+": () => zoomAtCentre(ZOOM_STEP),
    "=": () => zoomAtCentre(ZOOM_STEP),
    "-": () => zoomAtCentre(1 / ZOOM_STEP),
    0: fit,
    ArrowLeft: () => panBy(PAN_PX, 0),
    ArrowRight: () => panBy(-PAN_PX, 0),
    ArrowUp: () => panBy(0, PAN_PX),
    ArrowDown: () => panBy(0, -PAN_PX),
  }
  panes.onkeydown = (event) => {
    const act = keys[event.key]
    const arrow = event.key.startsWith("Arrow")
    if (!act || event.ctrlKey || event.metaKey || (arrow && state.zoom === 1)) return // fitted: arrows scroll the page
    event.preventDefault()
    act()
  }
  draw()
}
