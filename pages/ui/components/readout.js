// The numbers of the threshold desk, and the marks on its charts. They follow the hand at once: Python has worked out a
// row for every threshold the slider can reach, so nothing here counts, and no server is asked while the slider moves.
// Whoever else draws the row listens to "dermtree-row".
const SVG = "http://www.w3.org/2000/svg"
const CHARTS = ["desk_curve", "desk_scores", "desk_benefit", "desk_predictive"]
const N_PREVALENCES = 60

function rowAt(data, threshold) {
  const last = data.rows.length - 1
  let low = 0
  let high = last
  while (low < high) {
    const middle = (low + high) >> 1
    const upto = data.rows[middle][0]
    if (upto === null || upto >= threshold) high = middle
    else low = middle + 1
  }
  return Object.fromEntries(data.fields.map((name, i) => [name, data.rows[low][i]]))
}

// A predictive value at other prior odds, from that at odds of 1 (null: not defined): Bayes' theorem. For an NPV the odds
// are those of being without the disease.
function atOdds(half, odds) {
  return half === null ? null : (half * odds) / (half * odds + 1 - half)
}

// as words.fine_percent
function fine(share) {
  if (share === null) return "not defined"
  if (share >= 0.9995 && share < 1) return ">99.9%"
  if (share > 0 && share < 0.0005) return "<0.1%"
  return `${(100 * share).toFixed(1)}%`
}

function predicted(row, prevalences) {
  const found = {}
  prevalences.forEach((p, i) => {
    const ppv = atOdds(row.ppvHalf, p / (1 - p))
    found[`ppv${i}`] = fine(ppv)
    found[`npv${i}`] = fine(atOdds(row.npvHalf, (1 - p) / p))
    const places = { minimumFractionDigits: 1, maximumFractionDigits: 1 }
    found[`needed${i}`] = ppv ? (1 / ppv).toLocaleString("en-US", places) : "not defined"
  })
  return found
}

function element(tag, className, text) {
  const made = document.createElement(tag)
  made.className = className
  made.textContent = text
  return made
}

function drawNumbers(box, data, row) {
  let list = box.querySelector("dl")
  if (!list) box.append((list = document.createElement("dl")))
  list.replaceChildren(
    ...data.metrics.map(({ label, value, note }) => {
      const card = document.createElement("div")
      card.append(element("dt", "", label), element("dd", "value", row[value]), element("dd", "note", row[note]))
      return card
    }),
  )
}

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag)
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value)
  return made
}

// A layer over a chart of plotly's, with its axes; null where the chart is not drawn (yet).
function layerOf(name, redraw) {
  const chart = document.querySelector(`.st-key-${name} .js-plotly-plot`)
  const x = chart?._fullLayout?.xaxis
  const y = chart?._fullLayout?.yaxis
  const home = chart?.querySelector(".svg-container")
  if (!x?.d2p || !y?.d2p || !home) return null
  if (!chart._dermtreeWatched) {
    chart._dermtreeWatched = true
    chart.on?.("plotly_afterplot", redraw) // another size: the marks move along
  }
  let layer = home.querySelector(":scope > .dermtree-marks")
  if (!layer) {
    layer = shape("svg", { class: "dermtree-marks", "aria-hidden": "true" })
    layer.style.cssText = "position:absolute;inset:0;width:100%;height:100%;pointer-events:none"
    layer.style.fontFamily = '"Source Sans", sans-serif' // as the charts
    home.append(layer)
  }
  layer.replaceChildren()
  return { layer, x: v => x._offset + x.d2p(v), y: v => y._offset + y.d2p(v), box: { x, y } }
}

function ring(chart, at, colours, second) {
  const [x, y] = [chart.x(at.x), chart.y(at.y)]
  const look = { fill: colours.page, stroke: second ? colours.ink : colours.accent, "stroke-width": second ? 2 : 4 }
  chart.layer.append(
    second
      ? shape("path", { ...look, d: `M${x} ${y - 10}L${x + 10} ${y}L${x} ${y + 10}L${x - 10} ${y}Z` })
      : shape("circle", { ...look, cx: x, cy: y, r: 7.5 }),
  )
}

function label(chart, x, y, text, colours) {
  const made = shape("text", { x, y, fill: colours.ink, "font-size": 14, "font-weight": 700, "text-anchor": "middle" })
  made.textContent = text
  chart.layer.append(made)
}

function line(chart, points, colour, attributes) {
  chart.layer.append(shape("polyline", { points: points.join(" "), fill: "none", stroke: colour, ...attributes }))
}

function drawCurve(chart, row, colours, name) {
  const [x, y] = [chart.x(row.se), chart.y(row.sp)]
  if (name !== "B") {
    const corner = [`${x},${chart.y(0)}`, `${x},${y}`, `${chart.x(0)},${y}`]
    line(chart, corner, colours.muted, { "stroke-dasharray": "2 3" })
    const bar = { "stroke-width": 1.5 }
    line(chart, [`${chart.x(row.seLow)},${y}`, `${chart.x(row.seHigh)},${y}`], colours.accent, bar)
    line(chart, [`${x},${chart.y(row.spLow)}`, `${x},${chart.y(row.spHigh)}`], colours.accent, bar)
  }
  ring(chart, { x: row.se, y: row.sp }, colours, name === "B")
  if (name) label(chart, x - 18, y + 22, name, colours)
}

function drawLine(chart, threshold, colours, name) {
  const { y } = chart.box
  const x = chart.x(threshold)
  const dash = name === "B" ? { "stroke-dasharray": "6 4" } : {}
  line(chart, [`${x},${y._offset}`, `${x},${y._offset + y._length}`], colours.ink, { "stroke-width": 2, ...dash })
  if (name) label(chart, x, y._offset - 4, name, colours)
}

function drawBenefit(chart, threshold, row, colours, name) {
  const { y } = chart.box
  const low = Math.min(...y.range)
  ring(chart, { x: threshold, y: Math.max(low, row.benefit) }, colours, name === "B")
  if (name) label(chart, chart.x(threshold), chart.y(Math.max(low, row.benefit)) - 14, name, colours)
}

// PPV and NPV over the prevalence with their bands; of B the lines only. The names stand between the two curves where
// they are furthest apart.
function drawPredictive(chart, row, prevalence, colours, name) {
  const [first, last] = chart.box.x.range // of a logarithmic axis: powers of ten
  const shares = Array.from({ length: N_PREVALENCES }, (_, i) => 10 ** (first + ((last - first) * i) / (N_PREVALENCES - 1)))
  const curves = {
    PPV: { field: "ppvHalf", odds: p => p / (1 - p), colour: colours.accent, look: {} },
    NPV: { field: "npvHalf", odds: p => (1 - p) / p, colour: colours.ink, look: { "stroke-dasharray": "8 6" } },
  }
  const value = ({ field, odds }, p, bound = "") => atOdds(row[field + bound], odds(p))
  const gap = p => Math.abs((value(curves.PPV, p) ?? 0) - (value(curves.NPV, p) ?? 0))
  const apart = shares.reduce((best, p) => (gap(p) > gap(best) ? p : best))
  const place = shares.indexOf(apart) / N_PREVALENCES
  for (const [title, curve] of Object.entries(curves)) {
    if (row[curve.field] === null) continue
    const along = (bound, ps) => ps.map(p => `${chart.x(p)},${chart.y(value(curve, p, bound))}`)
    if (name === "B") {
      line(chart, along("", shares), colours.muted, { "stroke-width": 1.5, "stroke-dasharray": "2 3" })
      continue
    }
    const edge = [...along("Low", shares), ...along("High", [...shares].reverse())]
    chart.layer.append(shape("polygon", { points: edge.join(" "), fill: curve.colour, "fill-opacity": 0.13 }))
    line(chart, along("", shares), curve.colour, { "stroke-width": 2.5, ...curve.look })
    const dot = { cx: chart.x(prevalence), cy: chart.y(value(curve, prevalence)), r: 5 }
    chart.layer.append(shape("circle", { ...dot, fill: colours.page, stroke: curve.colour, "stroke-width": 3 }))
    const other = value(title === "PPV" ? curves.NPV : curves.PPV, apart) ?? 0.5
    const isLower = value(curve, apart) < other
    const y = chart.y(value(curve, apart, isLower ? "High" : "Low")) + (isLower ? -6 : 16)
    const anchor = place < 0.33 ? "start" : place > 0.66 ? "end" : "middle"
    const style = { x: chart.x(apart) + (anchor === "start" ? 3 : 0), y, fill: curve.colour, "text-anchor": anchor }
    const text = shape("text", { ...style, "font-size": 13, "font-weight": 700 })
    text.textContent = title
    chart.layer.append(text)
  }
}

function drawMarks(box, points) {
  const style = getComputedStyle(box)
  const paint = name => style.getPropertyValue(`--st-${name}`).trim()
  const colours = {
    accent: paint("primary-color"),
    ink: paint("text-color"),
    page: paint("background-color"),
    muted: paint("gray-text-color"),
  }
  const redraw = () => box._draw?.()
  const drawers = {
    desk_curve: (chart, point) => drawCurve(chart, point.row, colours, point.name),
    desk_scores: (chart, point) => drawLine(chart, point.threshold, colours, point.name),
    desk_benefit: (chart, point) => drawBenefit(chart, point.threshold, point.row, colours, point.name),
    desk_predictive: (chart, point) => drawPredictive(chart, point.row, box._data.prevalence, colours, point.name),
  }
  for (const [name, drawer] of Object.entries(drawers)) {
    const chart = layerOf(name, redraw)
    if (chart) for (const point of [...points].reverse()) drawer(chart, point) // A lies over B
  }
}

export default function ({ data, parentElement }) {
  const box = parentElement.querySelector("#readout")
  const first = !box._draw
  box._data = data
  box._draw = () => {
    // never from Python, which answers late while a hand drags
    const threshold = window._dermtreeThreshold
    if (threshold === undefined) return
    const { other } = box._data
    const plain = rowAt(box._data, threshold)
    const row = { ...plain, ...predicted(plain, box._data.prevalences) }
    const points = [{ name: other === null ? "" : "A", threshold, row }]
    if (other !== null) points.push({ name: "B", threshold: other, row: rowAt(box._data, other) })
    drawNumbers(box, box._data, row)
    drawMarks(box, points)
    window._dermtreeRow = row
    window.dispatchEvent(new CustomEvent("dermtree-row"))
  }
  box._draw()
  if (!first) return

  const follow = () => {
    if (!box.isConnected) return window.removeEventListener("dermtree-threshold", follow)
    box._draw()
  }
  window.addEventListener("dermtree-threshold", follow)

  // charts come late, and anew when their data or the theme change
  const watcher = new MutationObserver(() => {
    if (!box.isConnected) return watcher.disconnect()
    const bare = CHARTS.some(name => {
      const home = document.querySelector(`.st-key-${name} .js-plotly-plot .svg-container`)
      return home && !home.querySelector(":scope > .dermtree-marks")
    })
    if (bare) requestAnimationFrame(() => box._draw())
  })
  watcher.observe(document.querySelector("[data-testid=stMain]") ?? document.body, { childList: true, subtree: true })
}
