// Maps of one image, or of several, side by side: one zoom, one place read in all of them, contours, and a pen.
// Each map comes once, as numbers; colouring, clipping, smoothing and contours happen here, without Python.
// Only what was drawn is reported.
const SVG = "http://www.w3.org/2000/svg"
const GRID = 1000 // units of the drawing layer, both ways
const MAX_ZOOM = 8
const ZOOM_STEP = 1.25
const WHEEL_STEP = 1.15
const DOUBLE_CLICK_ZOOM = 2.5
const PAN = 0.1 // of the panel
const READ_STEP = 0.01
const SMOOTHING = 0.01 // sigma as a share of the side, as in derm_model/net/saliency/maps.py
const CONTOURS = { "0.01": 2.4, "0.05": 1.7, "0.1": 1 } // share of the mass -> width of its line
const TALLEST_PX = 440
const CLOSE_BY = 0.025 // of the panel: a click as near to the first corner closes the shape
const SAVED_PX = 480 // width of a panel in the saved picture

const clamp = (value, low, high) => Math.min(high, Math.max(low, value))

function element(tag, className, text) {
  const made = document.createElement(tag)
  if (className) made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  return made
}

function bytes(text) {
  return Uint8Array.from(atob(text), letter => letter.charCodeAt(0))
}

// ---- numbers of one map -------------------------------------------------------------------------------------------

function gaussian(values, width, height) {
  const sigma = SMOOTHING * height
  const reach = Math.max(1, Math.round(4 * sigma))
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) => Math.exp(-((i - reach) ** 2) / (2 * sigma * sigma)))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  const mirrored = (i, n) => {
    while (i < 0 || i >= n) i = i < 0 ? -1 - i : 2 * n - 1 - i
    return i
  }
  const pass = (from, n, lines, step, jump) => {
    const to = new Float32Array(from.length)
    for (let line = 0; line < lines; line++) {
      for (let i = 0; i < n; i++) {
        let sum = 0
        for (let k = -reach; k <= reach; k++) sum += weights[k + reach] * from[line * jump + mirrored(i + k, n) * step]
        to[line * jump + i * step] = sum / total
      }
    }
    return to
  }
  return pass(pass(values, width, height, 1, width), height, width, width, 1)
}

class Numbers {
  constructor(map) {
    const codes = new Uint16Array(bytes(map.data).buffer) // little endian, as every browser's machine is
    ;[this.width, this.height] = map.size
    this.raw = Float32Array.from(codes, code => (code / 65535) * map.max)
    this.kept = {}
  }

  shown(smooth) {
    if (!smooth) return this.raw
    return (this.kept.smooth ??= gaussian(this.raw, this.width, this.height))
  }

  sorted(smooth) {
    return (this.kept[`sorted${smooth}`] ??= Float32Array.from(this.shown(smooth)).sort())
  }

  percentile(percent, smooth) {
    const sorted = this.sorted(smooth)
    return sorted[Math.round((percent / 100) * (sorted.length - 1))] || sorted[sorted.length - 1]
  }

  // The value from which on the strongest pixels hold `share` of the sum.
  level(share, smooth) {
    const sorted = this.sorted(smooth)
    let total = 0
    for (const value of sorted) total += value
    let sum = 0
    for (let i = sorted.length - 1; i >= 0; i--) {
      sum += sorted[i]
      if (sum >= share * total) return sorted[i]
    }
    return sorted[0]
  }

  at(x, y) {
    const column = clamp(Math.floor(x * this.width), 0, this.width - 1)
    const row = clamp(Math.floor(y * this.height), 0, this.height - 1)
    return this.raw[row * this.width + column]
  }

  // Share of the pixels that are stronger.
  rank(value) {
    const sorted = this.sorted(false)
    let [low, high] = [0, sorted.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (sorted[middle] <= value) low = middle + 1
      else high = middle
    }
    return (sorted.length - low) / sorted.length
  }

  contour(share, smooth) {
    const key = `contour${share}${smooth}`
    return (this.kept[key] ??= outline(this.shown(smooth), this.width, this.height, this.level(share, smooth)))
  }
}

// Marching squares: the line where the values cross a level, as the path of an SVG of GRID x GRID; closed at the border.
function outline(values, width, height, level) {
  const value = (column, row) =>
    column < 0 || row < 0 || column >= width || row >= height ? -Infinity : values[row * width + column]
  const path = []
  const place = (column, row) => [
    clamp(((column + 0.5) / width) * GRID, 0, GRID),
    clamp(((row + 0.5) / height) * GRID, 0, GRID),
  ]
  const between = (a, b, from, to) => {
    const share = Number.isFinite(a) && Number.isFinite(b) ? clamp((level - a) / (b - a), 0, 1) : 0.5
    return place(from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1]))
  }
  for (let row = -1; row < height; row++) {
    for (let column = -1; column < width; column++) {
      const corners = [[column, row], [column + 1, row], [column + 1, row + 1], [column, row + 1]]
      const found = corners.map(corner => value(...corner))
      const crossings = []
      for (let side = 0; side < 4; side++) {
        const next = (side + 1) % 4
        if (found[side] >= level !== found[next] >= level)
          crossings.push(between(found[side], found[next], corners[side], corners[next]))
      }
      for (let i = 0; i + 1 < crossings.length; i += 2)
        path.push(`M${crossings[i].map(n => n.toFixed(1))}L${crossings[i + 1].map(n => n.toFixed(1))}`)
    }
  }
  return path.join("")
}

// Panels in a row of a wide page: rows as even as they can be.
function columns(n) {
  if (n <= 4) return n
  return n % 4 === 0 || (n % 3 !== 0 && n % 4 > n % 3) ? 4 : 3
}

function maskPath(mask) {
  return mask ? outline(bytes(mask.data), mask.size[0], mask.size[1], 128) : ""
}

function polygonPath(points, close) {
  return points.length ? `M${points.map(([x, y]) => `${x * GRID},${y * GRID}`).join("L")}${close ? "Z" : ""}` : ""
}

// ---- the component ------------------------------------------------------------------------------------------------

class Maps {
  constructor(root) {
    this.root = root
    this.view = { zoom: 1, x: 0, y: 0 }
    this.tool = "move"
    this.shapes = []
    this.corners = [] // of the shape being drawn
    this.pointers = new Map()
    this.numbers = new Map()
    this.look = null
    this.bind()
  }

  find(query) {
    return this.root.querySelector(query)
  }

  all(query) {
    return [...this.root.querySelectorAll(query)]
  }

  update(data, send) {
    this.data = data
    this.send = send
    this.look ??= { ...data.defaults, contours: [] }
    if (this.image !== data.image) {
      Object.assign(this, { image: data.image, shapes: data.shapes ?? [], corners: [], place: null })
      Object.assign(this.view, { zoom: 1, x: 0, y: 0 })
    }
    if (!data.draw) this.tool = "move"
    for (const panel of data.panels)
      if (panel.map && !this.numbers.has(panel.id)) this.numbers.set(panel.id, new Numbers(panel.map))
    const ids = new Set(data.panels.map(panel => panel.id))
    for (const id of this.numbers.keys()) if (!ids.has(id)) this.numbers.delete(id)
    this.mask = maskPath(data.mask)
    this.build()
    this.draw()
  }

  // ---- panels

  build() {
    const { data } = this
    const of = panel => [panel.id, panel.title, panel.badge, panel.notes, panel.waiting, Boolean(panel.map), panel.aspect]
    const signature = JSON.stringify([data.image, data.aspect, data.panels.map(of)])
    const panels = this.find(".panels")
    panels.setAttribute(
      "aria-label",
      `${data.alt} ${data.panels.length} panels. Plus and minus zoom, 0 fits, arrow keys pan, ` +
        "Shift with the arrow keys reads the maps at a place.",
    )
    panels.style.setProperty("--columns", columns(data.panels.length))
    if (signature === this.signature) return
    this.signature = signature
    panels.replaceChildren(...data.panels.map(panel => this.panel(panel)))
  }

  panel(panel) {
    const { data } = this
    const aspect = panel.aspect ?? data.aspect
    const figure = element("figure", "panel")
    figure.dataset.panel = panel.id
    const caption = element("figcaption", "", panel.title)
    if (panel.badge) caption.append(element("span", "badge", panel.badge))
    const frame = element("div", "frame")
    frame.style.aspectRatio = String(aspect)
    frame.style.maxWidth = `${TALLEST_PX * aspect}px`
    const layer = element("div", "layer")
    if (panel.waiting && !panel.map) frame.append(element("div", "waiting", panel.waiting))
    else {
      const photo = element("img", "photo")
      photo.src = panel.photo ?? data.photo
      photo.alt = panel.alt ?? `${data.alt} ${panel.title}.`
      layer.append(photo)
      if (panel.map) {
        const canvas = element("canvas", "map")
        canvas.setAttribute("aria-hidden", "true")
        layer.append(canvas)
      }
      const marks = shape("svg", { viewBox: `0 0 ${GRID} ${GRID}`, preserveAspectRatio: "none", "aria-hidden": "true" })
      layer.append(marks)
      frame.append(layer)
      this.listen(frame, panel.id)
    }
    figure.append(caption, frame, element("div", "reading"))
    for (const note of panel.notes ?? []) figure.append(element("div", "note", note))
    return figure
  }

  draw() {
    const { data, look } = this
    const hasMaps = this.numbers.size > 0
    this.find(".looking").hidden = !hasMaps
    this.find(".save").hidden = !hasMaps
    this.all(".pen").forEach(part => (part.hidden = !data.draw))
    this.find(".opacity").value = look.opacity
    this.find(".opacity").disabled = look.style === "plain"
    this.find(".clip").value = look.clip
    this.find(".range output").textContent = look.clip >= 100 ? "none" : `${look.clip}%`
    this.find(".smooth").checked = look.smooth
    this.find(".scales").hidden = this.numbers.size < 2
    const pressed = (query, is) => this.all(query).forEach(b => b.setAttribute("aria-pressed", String(is(b.dataset))))
    pressed("[data-look]", d => d.look === look.style)
    pressed("[data-contour]", d => look.contours.includes(d.contour))
    pressed("[data-scale]", d => d.scale === look.scale)
    pressed("[data-tool]", d => d.tool === this.tool)
    this.colour()
    this.marks()
    this.move()
    this.read()
    this.drawTools()
    this.say(this.scaleInWords())
  }

  drawTools() {
    const { data } = this
    const blocked = Boolean(data.mask)
    this.all(".tools button, .ellipse button").forEach(b => (b.disabled = blocked && b.dataset.tool !== "move"))
    this.find(".finish").hidden = this.tool !== "polygon"
    this.find(".finish").disabled = this.corners.length < 3
    this.find(".clear").disabled = blocked || (!this.shapes.length && !this.corners.length)
    const hints = {
      move: "",
      polygon: "Click corner after corner; the first one, Enter or a double click closes the shape, Backspace takes one back.",
      free: "Draw around it with the pointer held down.",
    }
    this.find(".hint").textContent = blocked ? "The outline is that of the uploaded mask." : hints[this.tool] || data.draw || ""
  }

  scaleInWords() {
    const { look } = this
    if (!this.numbers.size) return ""
    const clip = look.clip >= 100 ? "not clipped" : `clipped at percentile ${look.clip}`
    const scale =
      this.numbers.size < 2
        ? `Colours up to the map's own strongest pixels, ${clip}.`
        : look.scale === "own"
          ? `Each map has its own colour scale, ${clip}: their strengths cannot be compared.`
          : `One colour scale for all maps, ${clip}; only maps of the same method share a unit.`
    const contour = look.contours.length
      ? ` Contours: the strongest pixels that together hold ${look.contours.map(c => `${Number(c) * 100}%`).join(", ")} of a map.`
      : ""
    return scale + contour
  }

  say(text) {
    const said = this.find(".said")
    if (said.textContent !== text) said.textContent = text
  }

  colour() {
    const { data, look } = this
    if (!this.numbers.size) return
    const limits = new Map([...this.numbers].map(([id, numbers]) => [id, numbers.percentile(look.clip, look.smooth)]))
    const common = Math.max(...limits.values())
    const table = look.style === "plain" ? greys() : colours(data.palette)
    const painted = JSON.stringify([look.style, look.clip, look.smooth, look.scale, [...limits]])
    for (const [id, numbers] of this.numbers) {
      const figure = this.find(`[data-panel="${id}"]`)
      const canvas = figure?.querySelector("canvas")
      if (!canvas) continue
      canvas.style.opacity = look.style === "plain" ? 1 : look.opacity / 100
      figure.querySelector(".photo").style.visibility = look.style === "plain" ? "hidden" : ""
      if (canvas._painted === painted) continue
      canvas._painted = painted
      paint(canvas, numbers, look.smooth, look.scale === "own" ? limits.get(id) : common, table)
    }
  }

  marks() {
    const { data, look } = this
    for (const figure of this.all(".panel")) {
      const layer = figure.querySelector("svg")
      if (!layer) continue
      const drawn = []
      const numbers = this.numbers.get(figure.dataset.panel)
      if (numbers) {
        for (const share of look.contours) {
          const d = numbers.contour(Number(share), look.smooth)
          const width = CONTOURS[share]
          drawn.push(shape("path", { d, class: "halo", "stroke-width": width + 2 }))
          drawn.push(shape("path", { d, class: "line contour", "stroke-width": width }))
        }
      }
      const own = data.panels.find(panel => panel.id === figure.dataset.panel)
      if (!own?.photo) {
        for (const d of this.outlines()) {
          drawn.push(shape("path", { d, class: "outline-halo" }), shape("path", { d, class: "outline" }))
        }
      }
      if (this.place && this.isRead(own)) drawn.push(...this.cross())
      layer.replaceChildren(...drawn)
    }
  }

  // A place means the same in all panels of one image; in a panel of another image only where the pointer is in it.
  isRead(panel) {
    const where = this.data.panels.find(one => one.id === this.placeIn)
    return where?.photo ? where.id === panel?.id : !panel?.photo
  }

  outlines() {
    if (this.data.mask) return [this.mask]
    return [...this.shapes.map(points => polygonPath(points, true)), polygonPath(this.corners, false)].filter(Boolean)
  }

  cross() {
    const [x, y] = this.place.map(n => n * GRID)
    const size = 14 / this.view.zoom
    const d = `M${x - size},${y}L${x + size},${y}M${x},${y - size}L${x},${y + size}`
    return [shape("path", { d, class: "halo", "stroke-width": 3.5 }), shape("path", { d, class: "line", "stroke-width": 1.5 })]
  }

  read() {
    for (const figure of this.all(".panel")) {
      const numbers = this.numbers.get(figure.dataset.panel)
      const reading = figure.querySelector(".reading")
      const own = this.data.panels.find(panel => panel.id === figure.dataset.panel)
      if (!this.place || !numbers || !this.isRead(own)) {
        reading.textContent = ""
        continue
      }
      const value = numbers.at(...this.place)
      const rank = numbers.rank(value) * 100
      const top = value === 0 ? "zero here" : rank < 0.1 ? "among the top 0.1%" : `top ${rank.toFixed(rank < 10 ? 1 : 0)}%`
      reading.textContent = `${Number(value.toPrecision(3))} · ${top}`
    }
  }

  move() {
    const { zoom, x, y } = this.view
    const transform = `translate(${x * 100}%, ${y * 100}%) scale(${zoom})`
    this.all(".layer").forEach(layer => (layer.style.transform = transform))
    this.find(".panels").className = `panels ${zoom > 1 ? "zoomed" : ""} ${this.tool === "move" ? "" : "marking"}`
  }

  // ---- zoom: x and y are shares of a panel, so that panels of any size keep in step

  zoomBy(factor, x = 0.5, y = 0.5) {
    const { view } = this
    const zoom = clamp(view.zoom * factor, 1, MAX_ZOOM)
    view.x = clamp(x - ((x - view.x) * zoom) / view.zoom, 1 - zoom, 0)
    view.y = clamp(y - ((y - view.y) * zoom) / view.zoom, 1 - zoom, 0)
    view.zoom = zoom
    this.move()
    this.marks()
  }

  panBy(x, y) {
    this.view.x += x
    this.view.y += y
    this.zoomBy(1, 0, 0)
  }

  fit() {
    Object.assign(this.view, { zoom: 1, x: 0, y: 0 })
    this.move()
    this.marks()
  }

  pinch(resting, before, now, box) {
    const distance = p => Math.hypot((p[0] - resting[0]) * box.width, (p[1] - resting[1]) * box.height)
    if (distance(before) > 0) this.zoomBy(distance(now) / distance(before), ...resting)
  }

  // ---- pointer

  listen(frame, id) {
    const at = event => {
      const box = frame.getBoundingClientRect()
      return [(event.clientX - box.x) / box.width, (event.clientY - box.y) / box.height]
    }
    const onImage = place => {
      const { zoom, x, y } = this.view
      return [clamp((place[0] - x) / zoom, 0, 1), clamp((place[1] - y) / zoom, 0, 1)]
    }
    frame.onwheel = event => {
      if (!event.ctrlKey && !event.metaKey && this.view.zoom === 1) return // the page still scrolls
      event.preventDefault()
      this.zoomBy(event.deltaY < 0 ? WHEEL_STEP : 1 / WHEEL_STEP, ...at(event))
    }
    frame.onpointerdown = event => {
      this.pointers.set(event.pointerId, at(event))
      if (this.tool === "free" && this.pointers.size === 1) {
        frame.setPointerCapture(event.pointerId)
        this.corners = [onImage(at(event))]
      } else if (this.view.zoom > 1 || this.pointers.size === 2) frame.setPointerCapture(event.pointerId)
      this.readAt(onImage(at(event)), id)
    }
    frame.onpointermove = event => {
      const now = at(event)
      const before = this.pointers.get(event.pointerId)
      if (before) {
        this.pointers.set(event.pointerId, now)
        const other = [...this.pointers].find(([id]) => id !== event.pointerId)
        if (other) {
          this.corners = this.tool === "free" ? [] : this.corners
          this.pinch(other[1], before, now, frame.getBoundingClientRect())
        } else if (this.tool === "free") this.corners.push(onImage(now))
        else if (this.tool === "move" && this.view.zoom > 1) this.panBy(now[0] - before[0], now[1] - before[1])
      }
      this.readAt(onImage(now), id)
    }
    frame.onpointerup = frame.onpointercancel = event => {
      this.pointers.delete(event.pointerId)
      if (this.tool === "free" && event.type === "pointerup") this.close()
    }
    frame.onpointerleave = event => {
      if (this.tool !== "free") this.pointers.delete(event.pointerId)
      if (event.pointerType !== "touch") this.readAt(null)
    }
    frame.onclick = event => {
      if (this.tool === "polygon") this.corner(onImage(at(event)))
    }
    frame.ondblclick = event => {
      if (this.tool === "polygon") this.close()
      else if (this.tool === "move") this.view.zoom > 1 ? this.fit() : this.zoomBy(DOUBLE_CLICK_ZOOM, ...at(event))
    }
  }

  readAt(place, id = this.placeIn) {
    this.place = place
    this.placeIn = id
    this.marks()
    this.read()
  }

  // ---- the pen

  corner(place) {
    const [first] = this.corners
    const last = this.corners.at(-1)
    const near = (one, distance) => one && Math.hypot(one[0] - place[0], one[1] - place[1]) * this.view.zoom < distance
    if (this.corners.length >= 3 && near(first, CLOSE_BY)) return this.close()
    if (!near(last, 0.004)) this.corners.push(place) // the second half of a double click is no corner
    this.marks()
    this.drawTools()
  }

  close() {
    const points = this.corners
    this.corners = []
    const area = Math.abs(points.reduce((sum, [x, y], i) => {
      const [u, v] = points[(i + 1) % points.length]
      return sum + x * v - u * y
    }, 0) / 2)
    if (points.length >= 3 && area > 1e-4) this.keep(points.map(point => point.map(n => Number(n.toFixed(4)))))
    else this.draw()
  }

  keep(points) {
    this.shapes = this.data.many ? [...this.shapes, points] : [points]
    this.tell()
  }

  tell() {
    this.send("drawn", { image: this.image, shapes: this.shapes })
    this.draw()
  }

  ellipse() {
    const part = name => Number(this.find(`[data-part="${name}"]`).value) / 100
    const [x, y, width, height] = ["x", "y", "width", "height"].map(part)
    const corners = 72
    this.keep(
      Array.from({ length: corners }, (_, i) => {
        const angle = (2 * Math.PI * i) / corners
        return [
          Number(clamp(x + (width / 2) * Math.cos(angle), 0, 1).toFixed(4)),
          Number(clamp(y + (height / 2) * Math.sin(angle), 0, 1).toFixed(4)),
        ]
      }),
    )
  }

  // ---- controls

  bind() {
    const set = change => {
      Object.assign(this.look, change)
      this.draw()
    }
    this.all("[data-look]").forEach(b => (b.onclick = () => set({ style: b.dataset.look })))
    this.all("[data-scale]").forEach(b => (b.onclick = () => set({ scale: b.dataset.scale })))
    this.all("[data-contour]").forEach(b => {
      b.onclick = () => {
        const share = b.dataset.contour
        const on = this.look.contours.includes(share)
        const shares = on ? this.look.contours.filter(c => c !== share) : [...this.look.contours, share]
        set({ contours: shares.sort() })
      }
    })
    this.find(".opacity").oninput = event => set({ opacity: Number(event.target.value) })
    this.find(".clip").oninput = event => set({ clip: Number(event.target.value) })
    this.find(".smooth").onchange = event => set({ smooth: event.target.checked })
    this.all("[data-tool]").forEach(b => {
      b.onclick = () => {
        this.tool = b.dataset.tool
        this.corners = []
        this.draw()
      }
    })
    this.find(".finish").onclick = () => this.close()
    this.find(".clear").onclick = () => {
      this.shapes = this.corners = []
      this.tell()
    }
    this.find(".ellipse").onsubmit = event => {
      event.preventDefault()
      this.ellipse()
    }
    this.all("[data-zoom]").forEach(b => {
      const factor = Number(b.dataset.zoom)
      b.onclick = () => (factor ? this.zoomBy(factor) : this.fit())
    })
    this.find(".save").onclick = () => save(this)
    this.find(".panels").onkeydown = event => this.key(event)
  }

  key(event) {
    if (event.ctrlKey || event.metaKey) return
    const arrows = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }
    const arrow = arrows[event.key]
    const drawing = this.tool === "polygon" && this.corners.length > 0
    const keys = {
      "+": () => this.zoomBy(ZOOM_STEP),
      "=": () => this.zoomBy(ZOOM_STEP),
      "-": () => this.zoomBy(1 / ZOOM_STEP),
      0: () => this.fit(),
      Enter: drawing && (() => this.close()),
      Backspace: drawing && (() => (this.corners.pop(), this.draw())),
      Escape: (drawing || this.place) && (() => (this.corners = [], this.place = null, this.draw())),
    }
    let act = keys[event.key]
    if (arrow && event.shiftKey) {
      const [x, y] = this.place ?? [0.5, 0.5]
      act = () => this.readAt([clamp(x - arrow[0] * READ_STEP, 0, 1), clamp(y - arrow[1] * READ_STEP, 0, 1)])
    } else if (arrow && this.view.zoom > 1) act = () => this.panBy(arrow[0] * PAN, arrow[1] * PAN)
    if (!act) return // fitted: arrows scroll the page
    event.preventDefault()
    act()
  }
}

// ---- colours ------------------------------------------------------------------------------------------------------

function greys() {
  return Uint8ClampedArray.from({ length: 1024 }, (_, i) => (i % 4 === 3 ? 255 : 255 - (i >> 2)))
}

// As derm_model/net/overlay.py colours: pale to dark, ever less transparent.
function colours({ stops, faintest, fullAt }) {
  const table = new Uint8ClampedArray(1024)
  for (let i = 0; i < 256; i++) {
    const strength = i / 255
    const at = strength * (stops.length - 1)
    const low = Math.min(Math.floor(at), stops.length - 2)
    for (let c = 0; c < 3; c++) table[4 * i + c] = stops[low][c] + (at - low) * (stops[low + 1][c] - stops[low][c])
    table[4 * i + 3] = 255 * clamp((strength - faintest) / (fullAt - faintest), 0, 1)
  }
  return table
}

function paint(canvas, numbers, smooth, limit, table) {
  const values = numbers.shown(smooth)
  canvas.width = numbers.width
  canvas.height = numbers.height
  const picture = new ImageData(numbers.width, numbers.height)
  for (let i = 0; i < values.length; i++) {
    const code = 4 * Math.round(255 * Math.min(1, values[i] / limit))
    picture.data[4 * i] = table[code]
    picture.data[4 * i + 1] = table[code + 1]
    picture.data[4 * i + 2] = table[code + 2]
    picture.data[4 * i + 3] = table[code + 3]
  }
  canvas.getContext("2d").putImageData(picture, 0, 0)
}

// ---- the view as a picture ----------------------------------------------------------------------------------------

const INK = "#17222B"
const FONT = "14px 'Source Sans', sans-serif"

function wrapped(pen, text, width) {
  const lines = [""]
  for (const word of text.split(/\s+/)) {
    const longer = `${lines.at(-1)} ${word}`.trim()
    if (lines.at(-1) && pen.measureText(longer).width > width) lines.push(word)
    else lines[lines.length - 1] = longer
  }
  return lines
}

function save(maps) {
  const { data, look, view } = maps
  const figures = maps.all(".panel").filter(figure => figure.querySelector(".photo"))
  const columns = Math.min(3, figures.length)
  const gap = 12
  const width = columns * SAVED_PX + (columns + 1) * gap
  const sheet = document.createElement("canvas")
  const pen = sheet.getContext("2d")
  pen.font = FONT
  const texts = figures.map(figure => {
    const panel = data.panels.find(one => one.id === figure.dataset.panel)
    return [panel.badge ? `${panel.title} (${panel.badge})` : panel.title, ...(panel.notes ?? [])].flatMap(text =>
      wrapped(pen, text, SAVED_PX),
    )
  })
  const rows = Array.from({ length: Math.ceil(figures.length / columns) }, (_, row) => {
    const members = figures.slice(row * columns, (row + 1) * columns)
    const heights = members.map(figure => SAVED_PX / Number.parseFloat(figure.querySelector(".frame").style.aspectRatio))
    const lines = texts.slice(row * columns, (row + 1) * columns).map(text => text.length)
    return { members, picture: Math.max(...heights), text: 20 * Math.max(...lines) + 8 }
  })
  const foot = [...data.caption, maps.scaleInWords()].flatMap(text => wrapped(pen, text, width - 2 * gap))
  sheet.width = width
  sheet.height = rows.reduce((sum, row) => sum + row.picture + row.text + gap, gap) + 20 * foot.length + 2 * gap
  pen.fillStyle = "#fff"
  pen.fillRect(0, 0, sheet.width, sheet.height)
  let top = gap
  rows.forEach((row, index) => {
    row.members.forEach((figure, column) => {
      const left = gap + column * (SAVED_PX + gap)
      write(pen, texts[index * columns + column], left, top + 14)
      picture(pen, figure, maps, left, top + row.text)
    })
    top += row.text + row.picture + gap
  })
  write(pen, foot, gap, top + 20)
  sheet.toBlob(blob => {
    const link = document.createElement("a")
    link.href = URL.createObjectURL(blob)
    link.download = data.file
    link.click()
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000)
  })

  function picture(to, figure, { outlines }, left, above) {
    const height = SAVED_PX / Number.parseFloat(figure.querySelector(".frame").style.aspectRatio)
    to.save()
    to.beginPath()
    to.rect(left, above, SAVED_PX, height)
    to.clip()
    to.translate(left + view.x * SAVED_PX, above + view.y * height)
    to.scale(view.zoom, view.zoom)
    to.imageSmoothingQuality = "high"
    const canvas = figure.querySelector("canvas")
    if (!canvas || look.style !== "plain") to.drawImage(figure.querySelector(".photo"), 0, 0, SAVED_PX, height)
    if (canvas) {
      to.globalAlpha = look.style === "plain" ? 1 : look.opacity / 100
      to.drawImage(canvas, 0, 0, SAVED_PX, height)
      to.globalAlpha = 1
    }
    for (const line of figure.querySelectorAll("svg path")) stroke(to, line, height)
    to.restore()
  }

  function stroke(to, line, height) {
    const path = new Path2D()
    path.addPath(new Path2D(line.getAttribute("d")), new DOMMatrix([SAVED_PX / GRID, 0, 0, height / GRID, 0, 0]))
    const style = getComputedStyle(line)
    to.strokeStyle = style.stroke
    to.lineWidth = Number.parseFloat(style.strokeWidth) / view.zoom
    to.lineJoin = to.lineCap = "round"
    to.stroke(path)
  }
}

function write(pen, lines, left, top) {
  pen.font = FONT
  pen.fillStyle = INK
  lines.forEach((line, i) => pen.fillText(line, left, top + 20 * i))
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".maps")
  if (parentElement._maps?.root !== root) parentElement._maps = new Maps(root)
  parentElement._maps.update(data, setStateValue)
}
