// A small body map: front, back and head, each place a radio button. Arrow keys go to the nearest place that way,
// Enter and Space choose. With `readOnly` it shows one place and takes none.
const SVG = "http://www.w3.org/2000/svg"
const ASIDE = 2 // a step to the side costs this much more than one in the direction of the key

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }

function part(tag, className, text) {
  const made = document.createElement(tag)
  made.className = className
  if (text !== undefined) made.textContent = text
  return made
}

function isPicked(place, data) {
  if (place.site !== data.site) return false
  // a place that the map has in the middle only is shown there, whatever side was chosen
  return place.side === data.side || place.side === "middle" || !data.side
}

function nearest(places, from, [right, down]) {
  let best = null
  let least = Infinity
  for (const place of places) {
    const along = (place.x - from.x) * right + (place.y - from.y) * down
    const aside = Math.abs((place.x - from.x) * down) + Math.abs((place.y - from.y) * right)
    if (along > 1 && along + ASIDE * aside < least) [best, least] = [place, along + ASIDE * aside]
  }
  return best
}

function figure(root, view, data, pick) {
  const made = part("figure", "")
  const frame = part("div", "figure")
  frame.style.width = `${view.width}px`
  frame.style.height = `${view.height}px`
  const picture = document.createElementNS(SVG, "svg")
  picture.setAttribute("viewBox", `0 0 ${view.width} ${view.height}`)
  picture.setAttribute("aria-hidden", "true")
  picture.append(root.querySelector(`.figure-${view.name === "Head" ? "Head" : "Front"}`).firstElementChild.cloneNode(true))
  frame.append(picture)
  frame.setAttribute("role", data.readOnly ? "group" : "radiogroup")
  frame.setAttribute("aria-label", view.label)
  const buttons = new Map()
  for (const place of view.places) {
    const button = part(data.readOnly ? "span" : "button", "place")
    button.style.left = `${place.x}px`
    button.style.top = `${place.y}px`
    button.title = place.label
    button.setAttribute("aria-label", place.label)
    button.setAttribute("role", data.readOnly ? "img" : "radio")
    button.dataset.place = `${view.name} ${place.site} ${place.side}`
    if (!data.readOnly) {
      button.type = "button"
      button.onclick = () => pick(place)
      button.onkeydown = event => {
        const way = ARROWS[event.key]
        const next = way && nearest(view.places, place, way)
        if (!way) return
        event.preventDefault()
        if (next) focusOn(buttons, buttons.get(next))
      }
    }
    buttons.set(place, button)
    frame.append(button)
  }
  const hands = part("div", "hands")
  hands.append(...view.hands.map(hand => part("span", "hand", hand)))
  made.append(part("figcaption", "", view.name), hands, frame)
  return { made, buttons }
}

function focusOn(buttons, wanted) {
  for (const button of buttons.values()) button.tabIndex = button === wanted ? 0 : -1
  wanted.focus()
}

export default function ({ data, parentElement, setTriggerValue }) {
  const root = parentElement.querySelector(".bodies")
  const state = (parentElement._body ??= {})
  root.setAttribute("aria-label", data.label)
  root.classList.toggle("shown", data.readOnly)
  const signature = JSON.stringify([data.views, data.readOnly])
  if (signature !== state.signature) {
    state.signature = signature
    root.querySelectorAll("figure").forEach(old => old.remove())
    const pick = place => state.send({ site: place.site, side: place.side })
    state.figures = data.views.map(view => figure(root, view, data, pick))
    root.append(...state.figures.map(({ made }) => made))
  }
  state.send = place => setTriggerValue("picked", place)
  for (const { buttons } of state.figures) {
    const all = [...buttons]
    const picked = all.filter(([place]) => isPicked(place, data)).map(([, button]) => button)
    for (const [, button] of all) {
      button.classList.toggle("picked", picked.includes(button))
      if (!data.readOnly) button.setAttribute("aria-checked", String(picked.includes(button)))
    }
    if (!data.readOnly && !all.some(([, button]) => button.getRootNode().activeElement === button)) {
      const first = picked[0] ?? all[0]?.[1]
      for (const [, button] of all) button.tabIndex = button === first ? 0 : -1
    }
  }
  parentElement.querySelector(".said").textContent = data.said
}
