// The recursion as the pseudocode runs: Python worked out every step, this shows one after the other.
const LAST = 3 // classes named beside the code

export default function ({ data, parentElement }) {
  const $ = (query) => parentElement.querySelector(query)
  const s = (parentElement._steps ??= { at: 0, id: null })
  s.icicle ??= new Icicle($(".tree"), { onPick: (i) => s.jump(i) })
  const tree = s.tree?.digest === data.tree.digest ? s.tree : (s.tree = readTree(data.tree))
  const { icicle } = s
  const { listing, trace } = data
  const steps = trace.steps
  const before = new Float64Array(tree.n + 1)
  const own = new Int32Array(tree.n)
  for (const [at, n] of data.counts) own[at] = n
  for (let i = 0; i < tree.n; i++) before[i + 1] = before[i] + own[i]
  const size = (i) => before[tree.end[i]] - before[i]
  if (s.id !== trace.id) Object.assign(s, { id: trace.id, at: 0 })
  icicle.frame.setAttribute("aria-label", "The tree while the recursion runs. Arrow keys move, Enter jumps to the step that enters a node.")

  $(".listing").replaceChildren(
    ...listing.map((line) => {
      const item = make("li", line.added ? "added" : "")
      const code = make("code", "", line.text)
      code.style.setProperty("--indent", line.indent)
      item.append(make("span", "", line.number), code)
      return item
    }),
  )
  const range = $("#at")
  range.max = steps.length - 1

  function go(to) {
    s.at = Math.min(steps.length - 1, Math.max(0, to))
    const [line, node, nClasses, nLost] = steps[s.at]
    range.value = s.at
    range.setAttribute("aria-valuetext", `step ${s.at + 1} of ${steps.length}`)
    ;[...$(".listing").children].forEach((item, k) => (k === line ? item.setAttribute("aria-current", "step") : item.removeAttribute("aria-current")))
    for (const [name, off] of [["start", s.at === 0], ["back", s.at === 0], ["next", s.at === steps.length - 1], ["class", s.at === steps.length - 1], ["end", s.at === steps.length - 1]])
      parentElement.querySelector(`[data-do=${name}]`).setAttribute("aria-disabled", String(off)) // disabled, it would lose the focus and the keys with it
    tell(line, node, nClasses, nLost)
    draw(node, nClasses)
  }

  function tell(line, node, nClasses, nLost) {
    const facts = [["Step", `${thousands(s.at + 1)} of ${thousands(steps.length)}, line ${listing[line].number}`]]
    if (node >= 0) {
      const n = size(node)
      facts.push(["node", tree.names[node]], ["NUMIMAGES(class)", `${thousands(n)} ${n < data.limit ? "<" : "≥"} ${thousands(data.limit)}`])
      facts.push(["Images of its own", thousands(own[node])], ["Stack of calls", path(tree, node).map((i) => tree.names[i]).join(" › ")])
    }
    const latest = trace.classes.slice(Math.max(0, nClasses - LAST), nClasses).reverse()
    const listed = latest.map(([at, residual, n]) => `${tree.names[at]}${residual ? ", its own images" : ""} (${thousands(n)})`)
    facts.push(["partition", plural(nClasses, "class", "classes") + (nClasses ? `, the newest first: ${listed.join("; ")}` : "")])
    if (nLost) facts.push(["Lost so far", plural(nLost, "image")])
    const list = make("dl")
    for (const [name, value] of facts) list.append(make("dt", "", name), make("dd", "", value))
    $(".now").replaceChildren(list)
  }

  function draw(node, nClasses) {
    const stack = new Set(node < 0 ? [] : path(tree, node))
    const made = new Map(trace.classes.slice(0, nClasses).filter(([, residual]) => !residual).map(([at, , n]) => [at, n]))
    icicle.says = (i) => [tree.names[i], `${plural(size(i), "image")} at or below it`, ...(made.has(i) ? ["a class"] : stack.has(i) ? ["on the stack"] : [])]
    icicle.marked = node
    const paint = (i) => {
      const { colours } = icicle
      const role = colours.roles[tree.roles[i]]
      if (made.has(i)) return { fill: role, toEdge: true, mark: MARKS[tree.roles[i]], label: `${tree.names[i]} · ${thousands(made.get(i))}` }
      if (stack.has(i)) return { fill: mix(colours.accent, colours.page, 0.72), edge: colours.accent, text: colours.ink }
      return { fill: colours.panel, text: colours.ink }
    }
    icicle.show(tree, () => 1, paint, data.height)
    if (node >= 0 && $("#follow").checked) icicle.reveal(tree.level[node] < 2 ? -1 : tree.parents[node])
  }

  const nextClass = () => {
    const now = steps[s.at][2]
    const found = steps.findIndex((step, k) => k > s.at && step[2] > now)
    go(found < 0 ? steps.length - 1 : found)
  }
  const acts = { start: () => go(0), back: () => go(s.at - 1), next: () => go(s.at + 1), class: nextClass, end: () => go(steps.length - 1) }
  for (const name in acts) parentElement.querySelector(`[data-do=${name}]`).onclick = acts[name]
  const enters = listing.findIndex((line) => line.number === "13")
  s.jump = (i) => {
    // of a node within a class: the step that enters that class
    for (const at of path(tree, i).reverse()) {
      const found = steps.findIndex(([line, node]) => line === enters && node === at)
      if (found >= 0) return go(found)
    }
  }
  range.oninput = () => go(Number(range.value))
  const keys = { ArrowRight: "next", n: "next", ArrowLeft: "back", b: "back", a: "class", s: "start", e: "end" }
  const region = $(".steps")
  region.onkeydown = (event) => {
    if (event.target === range || event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return
    event.preventDefault()
    acts[keys[event.key]]()
  }
  if (!$("#follow")) {
    const label = make("label", "follow")
    const box = make("input")
    Object.assign(box, { type: "checkbox", id: "follow", checked: true })
    label.append(box, make("span", "", " Zoom along"))
    $(".bar").append(label)
  }
  go(s.at)
  const { colours } = icicle
  legend($(".legend"), [
    { colour: mix(colours.accent, colours.page, 0.72), text: "on the stack" },
    { colour: colours.roles[0], text: "a class already (▲ malignant, ◆ melanoma, ● benign, ■ other)" },
    { colour: colours.panel, text: "not reached yet" },
  ])
}
