// The partition at a limit that follows the hand. The cut is worked out here, as derm_model.taxonomy.partition does it
// (tests/browser/test_taxonomy.py compares them); Python hears of the limit on release only.
const STEPS = 1000
const RULES = { practical: "practical", faithful: "faithful" }
const LONG = { practical: "Show practical, used for training", faithful: "Show faithful, the pseudocode" }
const PAPERS = 1000

function cut(tree, before, limit, practical) {
  const found = { classes: [], split: [], lost: [] }
  let i = 0
  while (i < tree.n) {
    const size = before[tree.end[i]] - before[i]
    const isLeaf = tree.isLeaf(i)
    if (size < limit || (isLeaf && practical)) {
      if (size || !practical) found.classes.push({ at: i, size, residual: false })
      i = tree.end[i]
      continue
    }
    const own = before[i + 1] - before[i]
    if (!isLeaf) found.split.push({ at: i, own })
    if (own && practical) found.classes.push({ at: i, size: own, residual: true })
    if (own && !practical) found.lost.push({ at: i, size: own, isLeaf })
    i++
  }
  return found
}

function summary(found, limit, tooSmall) {
  const filled = found.classes.filter((c) => c.size)
  const images = filled.reduce((sum, c) => sum + c.size, 0)
  return {
    classes: found.classes.length,
    empty: found.classes.length - filled.length,
    images,
    lost: found.lost.reduce((sum, c) => sum + c.size, 0),
    mean: filled.length ? images / filled.length : null,
    over: filled.filter((c) => c.size >= limit).length,
    small: filled.filter((c) => c.size < tooSmall).length,
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  const $ = (query) => parentElement.querySelector(query)
  const s = (parentElement._lab ??= { known: null, mode: data.mode })
  s.icicle ??= new Icicle($(".tree"), {})
  const tree = s.tree?.digest === data.tree.digest ? s.tree : (s.tree = readTree(data.tree))
  const { icicle } = s
  const range = $("#limit")
  const number = $("#number")
  const before = new Float64Array(tree.n + 1)
  const own = new Int32Array(tree.n)
  for (const [at, n] of data.counts) own[at] = n
  for (let i = 0; i < tree.n; i++) before[i + 1] = before[i] + own[i]
  const total = before[tree.n]
  const size = (i) => before[tree.end[i]] - before[i]

  const limitAt = (step) => Math.max(1, Math.round(data.highest ** (step / STEPS)))
  const stepOf = (limit) => Math.round((STEPS * Math.log(limit)) / Math.log(data.highest))
  const settle = () => setTriggerValue("settled", { limit: s.limit, mode: s.mode })

  function follow(limit, from) {
    const start = performance.now()
    s.limit = Math.min(data.highest, Math.max(1, Math.round(limit)))
    if (from !== range) range.value = stepOf(s.limit)
    if (from !== number) number.value = s.limit
    range.setAttribute("aria-valuetext", plural(s.limit, "image"))
    const cuts = { practical: cut(tree, before, s.limit, true), faithful: cut(tree, before, s.limit, false) }
    s.found = cuts[s.mode]
    for (const made of $(".pair").children) made.setAttribute("aria-pressed", String(made.dataset.mode === s.mode))
    drawNumbers(cuts)
    drawTree()
    drawSizes()
    drawLost(cuts)
    parentElement.querySelector(".numbers").dataset.ms = (performance.now() - start).toFixed(1)
  }

  function drawNumbers(cuts) {
    const sums = Object.fromEntries(Object.entries(cuts).map(([mode, c]) => [mode, summary(c, s.limit, data.tooSmall)]))
    const share = (n) => (total ? ` (${n && n / total < 0.01 ? "<1" : Math.round((100 * n) / total)}%)` : "")
    const rows = [
      ["Classes", (x) => thousands(x.classes)],
      ["of these without an image", (x) => thousands(x.empty)],
      ["Images in no class", (x) => thousands(x.lost) + share(x.lost)],
      ["Mean images (of the limit)", (x) => (x.mean === null ? "none" : `${thousands(x.mean)} (${Math.round((100 * x.mean) / s.limit)}%)`)],
      ["Classes at the limit or above", (x) => thousands(x.over)],
      [`Too small, below ${data.tooSmall} images`, (x) => thousands(x.small)],
    ]
    const table = make("table")
    const head = make("thead")
    const line = make("tr")
    line.append(make("th", "", ""), ...Object.values(RULES).map((text) => make("th", "", text)))
    head.append(line)
    const body = make("tbody")
    for (const [name, show] of rows) {
      const row = make("tr")
      row.append(make("th", "", name), ...Object.keys(RULES).map((mode) => make("td", mode, show(sums[mode]))))
      body.append(row)
    }
    table.append(head, body)
    $(".numbers").replaceChildren(table)
  }

  function drawTree() {
    const state = (s.state = new Uint8Array(tree.n)) // 0 within a class, 1 split, 2 class, 3 split with a residual class
    for (const { at } of s.found.split) state[at] = 1
    for (const { at, residual } of s.found.classes) state[at] = residual ? 3 : 2
    const gone = (s.gone = new Map(s.found.lost.map((c) => [c.at, c.size])))
    icicle.says = (i) => {
      const lines = [`${plural(size(i), "image")} at or below it`]
      if (gone.has(i)) lines.push(`lost: ${plural(gone.get(i), "image")} in no class`)
      if (state[i] === 2) lines.push("one training class", ...(size(i) && size(i) < data.tooSmall ? ["too small to learn"] : []))
      if (state[i] === 1 || state[i] === 3) lines.push(`split: not fewer than ${thousands(s.limit)}`)
      if (state[i] === 3) lines.push(`${plural(own[i], "image")} of its own: a class beside its children`)
      return [tree.names[i], ...lines]
    }
    const paint = (i) => {
      const { colours } = icicle
      const role = colours.roles[tree.roles[i]]
      const n = size(i)
      if (gone.has(i)) return { fill: colours.panel, pattern: "cross", text: colours.ink, mark: "✕", label: `${tree.names[i]}, ${thousands(gone.get(i))} lost` }
      if (state[i] === 2) {
        const label = n ? `${tree.names[i]} · ${thousands(n)}` : `${tree.names[i]} · no image`
        if (!n) return { fill: colours.panel, toEdge: true, label, text: colours.ink }
        if (n < data.tooSmall) return { fill: mix(role, colours.page, 0.75), pattern: "dots", ink: role, text: colours.ink, toEdge: true, mark: MARKS[tree.roles[i]], label }
        return { fill: role, toEdge: true, mark: MARKS[tree.roles[i]], label }
      }
      if (state[i] === 1 || state[i] === 3) return { fill: mix(role, colours.page, 0.82), edge: role, text: colours.ink, label: state[i] === 3 ? `${tree.names[i]} · ${thousands(own[i])} of its own` : undefined }
      // practical: a leaf or group without images below a split node is in no class
      return { fill: colours.panel, toEdge: true, text: colours.ink, label: `${tree.names[i]} · no image` }
    }
    icicle.show(tree, () => 1, paint, data.height)
  }

  function drawSizes() {
    const edges = [1, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000, Infinity]
    const bins = edges.slice(0, -1).map((low, k) => ({ low, high: edges[k + 1], n: 0 }))
    let empty = 0
    for (const c of s.found.classes) {
      const bin = bins.find((b) => c.size >= b.low && c.size < b.high)
      if (bin) bin.n++
      else empty++
    }
    while (bins.length > 3 && !bins.at(-1).n) bins.pop()
    const rows = [...(empty ? [{ text: "no image", n: empty, over: false }] : []), ...bins.map((b) => ({ text: b.high === Infinity ? `${thousands(b.low)} or more` : `${thousands(b.low)}–${thousands(b.high - 1)}`, n: b.n, over: b.low >= s.limit }))]
    const most = Math.max(1, ...rows.map((r) => r.n))
    $(".sizes").replaceChildren(
      make("h4", "", `Classes by number of images (${s.mode})`),
      ...rows.map((r) => {
        const row = make("div", r.over ? "bar over" : "bar")
        const bar = make("i")
        bar.style.width = `${(100 * r.n) / most}%`
        const track = make("div")
        track.append(bar)
        row.append(make("span", "", r.text), track, make("b", "", thousands(r.n)))
        return row
      }),
      make("p", "note", "Hatched: at the limit or above."),
    )
  }

  function drawLost({ faithful, practical }) {
    const lost = [...faithful.lost].sort((a, b) => b.size - a.size)
    const residual = practical.classes.filter((c) => c.residual).length
    const alone = practical.classes.filter((c) => !c.residual && c.size >= s.limit).length
    const list = make("ul")
    for (const c of lost.slice(0, 8)) {
      const why = c.isLeaf ? "a leaf, with no child to go on with" : "its own images, when it is split"
      list.append(make("li", "", `${tree.names[c.at]}: ${thousands(c.size)} (${why})`))
    }
    const rest = lost.slice(8)
    if (rest.length) list.append(make("li", "", `and ${plural(rest.length, "node")} more with ${plural(rest.reduce((n, c) => n + c.size, 0), "image")}`))
    const parts = [make("div"), make("div")]
    parts[0].append(make("h4", "", "What faithful loses"), lost.length ? list : make("p", "note", "Nothing at this limit."))
    const instead = [
      plural(alone, "oversize leaf is a class of its own", "oversize leaves are classes of their own"),
      plural(residual, "split node keeps its own images in a class", "split nodes keep their own images in a class each"),
      `${plural(faithful.classes.filter((c) => !c.size).length, "class", "classes")} without an image left out`,
    ]
    const kept = make("ul")
    kept.append(...instead.map((text) => make("li", "", text)))
    parts[1].append(make("h4", "", "What practical does instead"), kept)
    $(".lost").replaceChildren(...parts)
  }

  range.max = STEPS
  number.max = data.highest
  range.oninput = () => follow(limitAt(Number(range.value)), range)
  range.onchange = settle
  number.onchange = () => {
    const typed = Number.parseFloat(number.value)
    follow(Number.isFinite(typed) ? typed : s.limit)
    settle()
  }
  const button = (text, pressed, act) => {
    const made = make("button", "plain", text)
    made.type = "button"
    if (pressed !== null) made.setAttribute("aria-pressed", String(pressed))
    made.onclick = act
    return made
  }
  // buttons are made once: a rerun must not take the focus away
  s.follow = follow
  s.settle = settle
  if (!$(".pair").childElementCount) {
    $(".pair").replaceChildren(
      ...Object.keys(RULES).map((mode) => {
        const made = button(LONG[mode], false, () => {
          s.mode = mode
          s.follow(s.limit)
          s.settle()
        })
        made.dataset.mode = mode
        return made
      }),
    )
  }
  const choices = [50, 200, PAPERS, 5000].filter((n) => n <= data.highest)
  if (s.choices !== choices.join()) {
    s.choices = choices.join()
    $(".presets").replaceChildren(
      ...choices.map((n) => button(n === PAPERS ? `${thousands(n)}, the paper's` : thousands(n), null, () => (s.follow(n), s.settle()))),
    )
  }
  if (s.known !== data.limit || s.limit === undefined) s.known = s.limit = data.limit
  if (s.knownMode !== data.mode) s.knownMode = s.mode = data.mode
  follow(s.limit)
  const { colours } = icicle
  legend($(".legend"), [
    { colour: colours.roles[0], text: "a class (▲ malignant, ◆ melanoma, ● benign, ■ other)" },
    { colour: mix(colours.roles[0], colours.page, 0.82), text: "split" },
    { style: "dots", colour: colours.page, text: `too small, below ${data.tooSmall}` },
    { style: "cross", colour: colours.panel, text: "lost (faithful)" },
    { colour: colours.panel, text: "no image" },
  ])
  icicle.frame.setAttribute("aria-label", "Training classes on the tree of diseases. Arrow keys move, Enter zooms, Escape zooms out.")
}
