// The tree as boxes from left to right, drawn on a canvas: 2,226 boxes take some milliseconds, so zooming is fluid.
// What a box looks like says a painter; this part lays out, zooms, and finds boxes by pointer and by key.
const TWEEN_MS = 280
const MIN_LABEL_PX = 13
const NARROW_PX = 560 // below it only three columns fit
const FIRST = 0.55 // width of the node that fills the view, among its columns: there is only one of it
const GAP_FROM_PX = 3 // lower boxes touch: a gap would be most of them
const VARIABLES = ["--st-red-color", "--st-text-color", "--st-blue-color", "--st-orange-color", "--st-gray-color"]
const MARKS = ["▲", "◆", "●", "■", "○"]

function make(tag, className, text) {
  const element = document.createElement(tag)
  if (className) element.className = className
  if (text !== undefined) element.textContent = text
  return element
}

// Names, parents and roles of all nodes, depth-first; with what follows from them.
function readTree(data) {
  const n = data.names.length
  const tree = { ...data, n, end: new Int32Array(n), level: new Int16Array(n), children: [], roots: [] }
  for (let i = 0; i < n; i++) {
    const parent = data.parents[i]
    tree.end[i] = i + 1
    tree.children.push([])
    tree.level[i] = parent < 0 ? 0 : tree.level[parent] + 1
    if (parent < 0) tree.roots.push(i)
    else tree.children[parent].push(i)
  }
  for (let i = n - 1; i >= 0; i--) {
    const parent = data.parents[i]
    if (parent >= 0) tree.end[parent] = Math.max(tree.end[parent], tree.end[i])
  }
  tree.depth = Math.max(...tree.level) + 1
  tree.isLeaf = (i) => tree.end[i] === i + 1
  return tree
}

function path(tree, i) {
  const line = []
  for (let at = i; at >= 0; at = tree.parents[at]) line.unshift(at)
  return line
}

function rgb(colour) {
  const probe = (rgb.probe ??= document.createElement("canvas").getContext("2d"))
  probe.fillStyle = "#000"
  probe.fillStyle = colour
  const text = probe.fillStyle
  return [1, 3, 5].map((k) => parseInt(text.slice(k, k + 2), 16))
}

function remembered(compute) {
  const known = new Map()
  return (...given) => {
    const key = given.join()
    if (!known.has(key)) known.set(key, compute(...given))
    return known.get(key)
  }
}

const mix = remembered((one, other, share) => {
  const [a, b] = [rgb(one), rgb(other)]
  return "#" + a.map((x, k) => Math.round(x + share * (b[k] - x)).toString(16).padStart(2, "0")).join("")
})

const readableOn = remembered((fill) => {
  const light = rgb(fill).map((x) => (x / 255 <= 0.04045 ? x / 255 / 12.92 : ((x / 255 + 0.055) / 1.055) ** 2.4))
  const luminance = 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]
  return 1.05 / (luminance + 0.05) >= (luminance + 0.05) / 0.0585 ? "#FFFFFF" : "#11181E"
})

// Lines or dots on a ground: what colour alone must not say.
function pattern(context, kind, ink, ground) {
  const tile = document.createElement("canvas")
  tile.width = tile.height = 8
  const p = tile.getContext("2d")
  p.fillStyle = ground
  p.fillRect(0, 0, 8, 8)
  p.strokeStyle = p.fillStyle = ink
  if (kind === "dots") p.fillRect(2, 2, 2, 2)
  else {
    p.beginPath()
    for (const shift of [-8, 0, 8]) {
      p.moveTo(shift, 8)
      p.lineTo(shift + 8, 0)
      if (kind === "cross") {
        p.moveTo(shift, 0)
        p.lineTo(shift + 8, 8)
      }
    }
    p.stroke()
  }
  return context.createPattern(tile, "repeat")
}

class Icicle {
  // host: element that gets the breadcrumbs, the canvas, the tooltip and the live text
  constructor(host, { onPick }) {
    this.onPick = onPick
    this.top = -1
    this.cursor = -1
    this.picked = -1
    this.crumbs = make("nav", "crumbs")
    this.crumbs.setAttribute("aria-label", "Where the tree is zoomed to")
    this.frame = make("div", "frame")
    this.frame.tabIndex = 0
    this.frame.setAttribute("role", "application")
    this.canvas = make("canvas")
    this.tip = make("div", "tip")
    this.live = make("div", "live")
    this.live.setAttribute("aria-live", "polite")
    this.frame.append(this.canvas, this.tip)
    host.replaceChildren(this.crumbs, this.frame, this.live)
    this.context = this.canvas.getContext("2d")
    this.patterns = new Map()
    this.frame.onpointermove = (e) => this.hover(this.at(e), e)
    this.frame.onpointerleave = () => this.hover(-1)
    this.frame.onclick = (e) => this.press(this.at(e))
    this.frame.onkeydown = (e) => this.key(e)
    this.frame.onblur = () => this.moveCursor(-1)
    new ResizeObserver(() => this.tree && this.resize()).observe(this.frame)
  }

  show(tree, weights, painter, height) {
    const fresh = this.tree?.digest !== tree.digest
    this.tree = tree
    this.painter = painter
    this.frame.style.height = `${height}px`
    this.before = new Float64Array(tree.n + 1)
    for (let i = 0; i < tree.n; i++) this.before[i + 1] = this.before[i] + (tree.isLeaf(i) ? weights(i) : 0)
    const style = getComputedStyle(this.frame)
    const variable = (name) => style.getPropertyValue(name).trim() || "#888888"
    this.colours = {
      roles: VARIABLES.map(variable),
      page: variable("--st-background-color"),
      panel: variable("--st-secondary-background-color"),
      ink: variable("--st-text-color"),
      accent: variable("--st-primary-color"),
      line: variable("--st-border-color"),
      font: variable("--st-font"),
    }
    this.patterns.clear()
    if (fresh) this.jump(-1)
    this.resize()
  }

  pattern(kind, ink, ground) {
    const key = kind + ink + ground
    if (!this.patterns.has(key)) this.patterns.set(key, pattern(this.context, kind, ink, ground))
    return this.patterns.get(key)
  }

  extent(top) {
    const { tree, before } = this
    if (top < 0) return { y0: 0, y1: before[tree.n], level: 0, columns: this.fitting(tree.depth), first: 1 }
    let deepest = tree.level[top]
    for (let i = top; i < tree.end[top]; i++) deepest = Math.max(deepest, tree.level[i])
    const columns = this.fitting(deepest - tree.level[top] + 1)
    return { y0: before[top], y1: before[tree.end[top]], level: tree.level[top], columns, first: columns > 1 ? FIRST : 1 }
  }

  fitting(columns) {
    return Math.min(columns, this.frame.clientWidth < NARROW_PX ? 3 : columns)
  }

  jump(top) {
    this.top = top
    this.view = this.extent(top)
    this.drawCrumbs()
  }

  zoom(top) {
    if (top === this.top) return
    const from = this.view
    this.jump(top)
    const to = this.view
    cancelAnimationFrame(this.running)
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) return this.draw()
    const start = performance.now()
    const step = (now) => {
      const t = Math.min(1, (now - start) / TWEEN_MS)
      const s = t * t * (3 - 2 * t)
      this.view = Object.fromEntries(Object.keys(to).map((k) => [k, from[k] + s * (to[k] - from[k])]))
      this.draw()
      if (t < 1) this.running = requestAnimationFrame(step)
    }
    this.running = requestAnimationFrame(step)
  }

  // a leaf is shown among its siblings, a group with what is in it
  reveal(i) {
    this.zoom(i >= 0 && this.tree.isLeaf(i) ? this.tree.parents[i] : i)
  }

  resize() {
    const ratio = window.devicePixelRatio || 1
    const { clientWidth: width, clientHeight: height } = this.frame
    if (!width || !height) return
    this.canvas.width = Math.round(width * ratio)
    this.canvas.height = Math.round(height * ratio)
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0)
    this.view = this.extent(this.top)
    this.draw()
  }

  box(i, toEdge) {
    const { tree, view, before, frame } = this
    const scale = frame.clientHeight / (view.y1 - view.y0)
    const width = frame.clientWidth
    const first = (view.first * width) / view.columns
    const others = view.columns > 1 ? (width - first) / (view.columns - 1) : width
    const left = (columns) => (columns < 1 ? columns * first : first + (columns - 1) * others)
    const column = tree.level[i] - view.level
    const x = left(column)
    const end = toEdge || tree.isLeaf(i) ? width : Math.min(width, left(column + 1))
    return { x, y: (before[i] - view.y0) * scale, end, low: (before[tree.end[i]] - view.y0) * scale }
  }

  draw() {
    const start = performance.now()
    const { context: c, tree, colours, frame } = this
    const { clientWidth: width, clientHeight: height } = frame
    if (!width || !this.view) return
    c.clearRect(0, 0, width, height)
    this.drawn = []
    let i = 0
    while (i < tree.n) {
      const look = this.painter(i)
      const { x, y, end, low } = this.box(i, look?.toEdge)
      if (low <= 0 || y >= height || low - y <= 0) {
        i = tree.end[i] // nothing below it is in view either
        continue
      }
      if (look && end > 0.5 && x < width - 0.5) this.fill(i, look, Math.max(0, x), Math.max(0, y), end, Math.min(height, low))
      i = look?.toEdge ? tree.end[i] : i + 1
    }
    for (const [at, colour, line] of [[this.marked ?? -1, colours.accent, 4], [this.picked, colours.ink, 3], [this.cursor, colours.accent, 3]])
      if (at >= 0) this.outline(at, colour, line)
    this.drawMs = performance.now() - start
    frame.dataset.drawMs = this.drawMs.toFixed(2)
  }

  fill(i, look, x, y, end, low) {
    const { context: c, colours } = this
    const gap = low - y >= GAP_FROM_PX ? 1 : 0
    const [w, h] = [Math.max(1, end - x - 1), Math.max(0.6, low - y - gap)]
    c.globalAlpha = 1
    c.fillStyle = look.pattern ? this.pattern(look.pattern, look.ink ?? colours.ink, look.fill) : look.fill
    c.fillRect(x, y, w, h)
    if (look.edge && h >= GAP_FROM_PX) {
      c.fillStyle = look.edge
      c.fillRect(x, y, Math.min(4, w), h)
    }
    if (h < MIN_LABEL_PX || w < 36) return
    const size = h >= 20 ? 13 : 12
    const text = this.fit((look.mark ? look.mark + " " : "") + (look.label ?? this.tree.names[i]), w - 12, size)
    if (!text) return
    const middle = y + h / 2
    if (look.pattern) {
      c.fillStyle = look.fill // letters on lines are hard to read
      c.fillRect(x + 4, middle - size / 2 - 2, Math.min(w - 4, c.measureText(text).width + 8), size + 4)
    }
    c.fillStyle = look.text ?? readableOn(look.fill)
    c.textBaseline = "middle"
    c.fillText(text, x + 7, middle)
  }

  fit(text, width, size) {
    const c = this.context
    c.font = `${size}px ${this.colours.font}`
    const whole = c.measureText(text).width
    if (whole <= width) return text
    const shortened = (length) => text.slice(0, length).trimEnd() + "…"
    let kept = Math.floor((text.length * width) / whole)
    while (kept >= 4 && c.measureText(shortened(kept)).width > width) kept--
    return kept < 4 ? "" : shortened(kept)
  }

  outline(i, colour, line) {
    const { x, y, end, low } = this.box(i, this.painter(i)?.toEdge)
    const c = this.context
    c.lineWidth = line
    c.strokeStyle = colour
    const inset = line / 2
    const [left, right] = [Math.max(0, x) + inset, Math.min(this.frame.clientWidth, end) - inset]
    const [up, down] = [Math.max(0, y) + inset, Math.min(this.frame.clientHeight, low) - inset]
    if (right > left) c.strokeRect(left, Math.min(up, down), right - left, Math.max(1, Math.abs(down - up)))
  }

  at(event) {
    const { left, top } = this.frame.getBoundingClientRect()
    const [x, y] = [event.clientX - left, event.clientY - top]
    const { tree } = this
    let found = -1
    let i = 0
    while (i < tree.n) {
      const look = this.painter(i)
      const box = this.box(i, look?.toEdge)
      if (y < box.y || y >= box.low) {
        i = tree.end[i]
        continue
      }
      if (look && x >= box.x && x < box.end) found = i
      i = look?.toEdge ? tree.end[i] : i + 1
    }
    return found
  }

  hover(i, event) {
    this.frame.style.cursor = i < 0 ? "" : "pointer"
    if (i < 0) return this.tip.replaceChildren()
    const [title, ...lines] = this.describe(i)
    if (this.tip.dataset.node !== String(i) || !this.tip.firstChild) {
      this.tip.dataset.node = String(i)
      this.tip.replaceChildren(make("b", "", title), ...lines.map((line) => make("span", "", line)))
    }
    const { left, top, width, height } = this.frame.getBoundingClientRect()
    const [x, y] = [event.clientX - left, event.clientY - top]
    const { offsetWidth: w, offsetHeight: h } = this.tip
    this.tip.style.left = `${Math.max(0, Math.min(width - w, x + 14))}px`
    this.tip.style.top = `${y + 16 + h > height ? Math.max(0, y - h - 8) : y + 16}px`
  }

  describe(i) {
    return this.says ? this.says(i) : [this.tree.names[i]]
  }

  press(i) {
    if (i < 0) return
    const again = i === this.top // pressing what fills the view leads out again
    this.reveal(again ? this.tree.parents[i] : i)
    if (!again) this.onPick?.(i)
    else this.moveCursor(-1)
  }

  moveCursor(i) {
    this.cursor = i
    if (i >= 0) {
      const [title, ...lines] = this.describe(i)
      this.live.textContent = [title, ...lines].join(". ")
    }
    this.draw()
  }

  key(event) {
    const { tree, cursor } = this
    const siblings = (i) => (tree.parents[i] < 0 ? tree.roots : tree.children[tree.parents[i]])
    const beside = (step) => siblings(cursor)[siblings(cursor).indexOf(cursor) + step] ?? cursor
    const moves = {
      ArrowUp: () => beside(-1),
      ArrowDown: () => beside(1),
      ArrowRight: () => tree.children[cursor][0] ?? cursor,
      ArrowLeft: () => (tree.parents[cursor] < 0 ? cursor : tree.parents[cursor]),
    }
    if (event.key in moves) {
      const next = cursor < 0 ? Math.max(0, this.picked, this.top) : moves[event.key]()
      if (next < this.top || (this.top >= 0 && next >= tree.end[this.top])) this.reveal(tree.parents[next])
      this.moveCursor(next)
    } else if ((event.key === "Enter" || event.key === " ") && cursor >= 0) this.press(cursor)
    else if (event.key === "Escape" || event.key === "Backspace") this.zoom(this.top < 0 ? -1 : tree.parents[this.top])
    else if (event.key === "Home") this.zoom(-1)
    else return
    event.preventDefault()
    event.stopPropagation()
  }

  drawCrumbs() {
    const line = this.top < 0 ? [] : path(this.tree, this.top)
    this.crumbs.replaceChildren(
      ...[-1, ...line].map((i) => {
        const button = make("button", "", i < 0 ? "All diseases" : this.tree.names[i])
        button.type = "button"
        if (i === this.top) button.setAttribute("aria-current", "true")
        button.onclick = () => {
          this.zoom(i)
          this.crumbs.querySelector("[aria-current]")?.focus()
        }
        return button
      }),
    )
  }
}

function legend(host, entries) {
  host.replaceChildren(
    ...entries.map(({ mark, colour, style, text }) => {
      const item = make("span", "entry")
      const swatch = make("i", style ?? "", mark ?? "")
      if (mark) swatch.style.color = colour
      else if (colour) swatch.style.setProperty("--colour", colour)
      item.append(swatch, make("span", "", text))
      return item
    }),
  )
}

const thousands = (n) => Math.round(n).toLocaleString("en-US")
const plural = (n, one, many) => `${thousands(n)} ${n === 1 ? one : (many ?? one + "s")}`
