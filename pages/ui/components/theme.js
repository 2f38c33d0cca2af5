// Tells Python that the theme changed: a switch in the menu or the operating system does not rerun the script.
export default function ({ parentElement, setStateValue }) {
  const probe = parentElement.querySelector("i") // its transition runs whenever the theme's variable changes
  probe.ontransitionend = () => setStateValue("background", getComputedStyle(probe).color)
}
