// The whole tree: colour and mark say what a node means; a press zooms in and reports the node.
const WORDS = ["malignant or premalignant", "melanoma", "benign", "non-neoplastic or either"]
const RESOLUTIONS = { f: "finer than the chosen model", n: "not learnt by the chosen model" }

export default function ({ data, parentElement, setTriggerValue }) {
  const $ = (query) => parentElement.querySelector(query)
  const s = (parentElement._explorer ??= { known: null })
  s.icicle ??= new Icicle($(".tree"), { onPick: (i) => setTriggerValue("picked", i) })
  const tree = s.tree?.digest === data.tree.digest ? s.tree : (s.tree = readTree(data.tree))
  const { icicle } = s
  const box = $("#resolved")
  icicle.frame.setAttribute("aria-label", data.label)
  $(".tick").hidden = !data.resolution
  $(".tick span").textContent = "Hatch what the chosen model does not resolve"

  icicle.says = (i) => {
    const leaves = tree.isLeaf(i) ? [] : [plural(data.leaves[i], "disease")]
    const own = data.images?.[i] ? [plural(data.images[i], "image")] : []
    const resolution = RESOLUTIONS[data.resolution?.[i]]
    return [tree.names[i], `${MARKS[tree.roles[i]]} ${WORDS[tree.roles[i]]}`, ...leaves, ...own, ...(resolution ? [resolution] : [])]
  }
  const paint = (i) => {
    const { colours } = icicle
    const role = colours.roles[tree.roles[i]]
    const fill = tree.level[i] < 2 ? role : mix(role, colours.page, tree.isLeaf(i) ? 0.82 : 0.55)
    const look = { fill, mark: MARKS[tree.roles[i]], edge: tree.level[i] < 2 ? undefined : role }
    if (box.checked && data.resolution && data.resolution[i] !== "r") return { ...look, pattern: "lines", fill: colours.panel, ink: colours.roles[4], text: colours.ink }
    return look
  }
  const show = () => icicle.show(tree, () => 1, paint, data.height)
  box.onchange = show
  icicle.picked = data.picked
  show()
  if (s.known !== data.picked) {
    s.known = data.picked
    if (data.picked >= 0) icicle.reveal(data.picked)
  }
  legend($(".legend"), WORDS.map((text, k) => ({ mark: MARKS[k], colour: icicle.colours.roles[k], text })))
}
