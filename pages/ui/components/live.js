// What follows the hand on the threshold desk: people as marks, a table, sentences. It draws the row that the readout
// announces. Of the people the ill come first: shape says ill or not, filling says above or below the threshold.
const NARROW_PX = 430
const SVG = "http://www.w3.org/2000/svg"
const CELL = 10

function outline(ill, x, y) {
  return ill
    ? `M${x} ${y - 4.2}L${x + 4.2} ${y + 3.4}H${x - 4.2}Z`
    : `M${x - 3.1} ${y}a3.1 3.1 0 1 0 6.2 0a3.1 3.1 0 1 0 -6.2 0Z`
}

function picture(width, height) {
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`)
  return svg
}

// one path a group: a thousand elements would make the page slow to follow the hand
function marks(group, from, n, columns) {
  let text = ""
  for (let i = from; i < from + n; i++)
    text += outline(group.ill, (i % columns) * CELL + CELL / 2, Math.floor(i / columns) * CELL + CELL / 2)
  const path = document.createElementNS(SVG, "path")
  path.setAttribute("d", text)
  path.style.stroke = `var(${group.paint})`
  path.style.strokeWidth = group.ill && !group.filled ? 1.6 : 1
  path.style.fill = group.filled ? `var(${group.paint})` : "none"
  return path
}

function filledIn(template, row) {
  return template.replace(/\{(\w+)\}/g, (_, name) => row[name])
}

function drawPeople(box, data, row) {
  const columns = box.clientWidth && box.clientWidth < NARROW_PX ? 25 : 50
  const total = data.groups.reduce((sum, group) => sum + row[group.n], 0)
  const svg = picture(columns * CELL, Math.ceil(total / columns) * CELL)
  svg.setAttribute("role", "img")
  svg.setAttribute("aria-label", data.groups.map(group => filledIn(group.text, row)).join("; "))
  let from = 0
  for (const group of data.groups) {
    svg.append(marks(group, from, row[group.n], columns))
    from += row[group.n]
  }
  box.replaceChildren(svg)
  box._columns = columns
}

function item(group, row) {
  const made = document.createElement("li")
  const key = picture(CELL, CELL)
  key.setAttribute("aria-hidden", "true")
  key.append(marks(group, 0, 1, 1))
  const [before, after] = group.text.split(`{${group.label}}`)
  const number = document.createElement("b")
  number.textContent = row[group.label]
  made.append(key, filledIn(before, row), number, filledIn(after, row))
  return made
}

function drawTable(home, table, row) {
  if (!table) return home.replaceChildren()
  const cell = (tag, text, scope) => {
    const made = document.createElement(tag)
    made.textContent = filledIn(text, row)
    if (scope) made.setAttribute("scope", scope)
    return made
  }
  const line = cells => {
    const made = document.createElement("tr")
    made.append(...cells)
    return made
  }
  const made = document.createElement("table")
  made.setAttribute("aria-label", table.label)
  made.append(
    line(table.columns.map(text => cell("th", text, "col"))),
    ...table.rows.map(([name, ...cells]) => line([cell("th", name, "row"), ...cells.map(text => cell("td", text))])),
  )
  home.replaceChildren(made)
}

export default function ({ data, parentElement }) {
  const box = parentElement.querySelector("#people")
  const first = !box._draw
  box._data = data
  box._draw = () => {
    const row = window._dermtreeRow
    if (!row) return
    if (box._data.groups.length) drawPeople(box, box._data, row)
    drawTable(parentElement.querySelector("#table"), box._data.table, row)
    parentElement.querySelector("ul").replaceChildren(...box._data.groups.map(group => item(group, row)))
    const sentences = box._data.sentences.filter(one => row[one.unless] !== 0)
    parentElement.querySelector("p").textContent = sentences.map(one => filledIn(one.text, row)).join(" ")
  }
  box._draw()
  if (!first) return
  const follow = () => {
    if (!box.isConnected) return window.removeEventListener("dermtree-row", follow)
    box._draw()
  }
  window.addEventListener("dermtree-row", follow)
  new ResizeObserver(() => {
    const columns = box.clientWidth < NARROW_PX ? 25 : 50
    if (box._columns && box.clientWidth && columns !== box._columns) box._draw()
  }).observe(box)
}
