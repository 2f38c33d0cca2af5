// Probability bars; each row is a button that picks its node. Names go in by textContent, never as HTML.
function part(tag, className, text) {
  const element = document.createElement(tag)
  element.className = className
  if (text !== undefined) element.textContent = text
  return element
}

function rowButton(row, picked, pick) {
  const button = part("button", row.probability === null ? "unresolved" : "")
  const mark = part("span", "mark", row.mark)
  mark.style.color = `var(${row.colour})`
  const track = part("div", "track")
  if (row.probability !== null) {
    const fill = part("div", "fill")
    fill.style.width = `${row.probability * 100}%`
    fill.style.background = `var(${row.colour})`
    track.append(fill)
  }
  button.type = "button"
  button.dataset.key = row.key
  button.append(mark, part("span", "name", row.name), part("span", "value", row.text), track)
  button.setAttribute("aria-pressed", String(row.node === picked))
  button.setAttribute("aria-label", `${row.name}, ${row.text}, ${row.role}`)
  button.onclick = () => pick(row.node)
  return button
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".rows")
  const focused = root.getRootNode().activeElement?.dataset?.key // a rerun must not take the focus away
  root.setAttribute("aria-label", data.label)
  root.replaceChildren(...data.rows.map((row) => rowButton(row, data.picked, (node) => setTriggerValue("picked", node))))
  if (focused) [...root.children].find((button) => button.dataset.key === focused)?.focus()
}
