// Two partitions on one tree, one at a time: what is the same is pale, what changed stands out, and says how.
const WORDS = {
  same: "the same in both",
  split: "split, or part of a split",
  merged: "merged, or part of a merger",
  moved: "moved to another node",
  lost: "in no class of B",
  new: "in no class of A",
}

export default function ({ data, parentElement }) {
  const $ = (query) => parentElement.querySelector(query)
  const s = (parentElement._changes ??= { side: 1 })
  s.icicle ??= new Icicle($(".tree"), {})
  const tree = s.tree?.digest === data.tree.digest ? s.tree : (s.tree = readTree(data.tree))
  const { icicle } = s
  icicle.frame.setAttribute("aria-label", "Changes on the tree of diseases. Arrow keys move, Enter zooms, Escape zooms out.")

  const looks = (colours) => ({
    same: { fill: mix(colours.line, colours.page, 0.3) },
    split: { fill: colours.accent },
    merged: { fill: mix(colours.accent, colours.page, 0.7), pattern: "lines", ink: colours.accent },
    moved: { fill: colours.page, pattern: "dots", ink: colours.ink },
    lost: { fill: colours.page, pattern: "cross", ink: colours.ink },
    new: { fill: mix(colours.accent, colours.page, 0.7) },
  })

  function draw() {
    const side = data.sides[s.side]
    const classes = new Map(side.classes.filter(([, residual]) => !residual).map((c) => [c[0], c]))
    const residuals = new Map(side.classes.filter(([, residual]) => residual).map((c) => [c[0], c]))
    const holds = new Uint8Array(tree.n)
    for (const [at] of side.classes) for (const i of path(tree, at)) holds[i] = 1
    icicle.says = (i) => {
      const found = classes.get(i) ?? residuals.get(i)
      if (!found) return [tree.names[i], holds[i] ? "split here" : "in no class here"]
      return [tree.names[i], `${plural(found[2], "image")}${residuals.has(i) ? " of its own" : ""}`, found[4]]
    }
    const paint = (i) => {
      const { colours } = icicle
      const found = classes.get(i)
      if (found) return { ...looks(colours)[found[3]], text: found[3] === "split" ? undefined : colours.ink, toEdge: true, label: `${tree.names[i]} · ${thousands(found[2])}` }
      if (!holds[i]) return { fill: colours.page, text: colours.ink, toEdge: true, label: `${tree.names[i]} · in no class` }
      return { fill: colours.panel, text: colours.ink }
    }
    icicle.show(tree, () => 1, paint, data.height)
    for (const made of $(".pair").children) made.setAttribute("aria-pressed", String(Number(made.dataset.side) === s.side))
  }

  s.draw = draw
  if (!$(".pair").childElementCount)
    $(".pair").replaceChildren(
      ...[0, 1].map((side) => {
        const made = make("button", "plain")
        made.type = "button"
        made.dataset.side = side
        made.onclick = () => {
          s.side = side
          s.draw()
        }
        return made
      }),
    )
  ;[...$(".pair").children].forEach((made, k) => (made.textContent = `Show ${data.sides[k].name}`))
  draw()
  const styles = { merged: "lines", moved: "dots", lost: "cross" }
  legend(
    $(".legend"),
    Object.entries(looks(icicle.colours)).map(([change, look]) => ({ colour: look.fill, style: styles[change], text: WORDS[change] })),
  )
}
