// Ctrl+V with a picture on the clipboard goes through the page's own file uploader: same limits, same checks, one door.
const UPLOADER = ".st-key-uploader input[type=file]"

function pastedImages(event) {
  return [...(event.clipboardData?.files ?? [])].filter((file) => file.type.startsWith("image/"))
}

export default function () {
  const paste = (event) => {
    const input = document.querySelector(UPLOADER)
    const images = pastedImages(event)
    if (!input || !images.length) return
    event.preventDefault()
    const transfer = new DataTransfer()
    images.forEach((file) => transfer.items.add(file))
    input.files = transfer.files
    input.dispatchEvent(new Event("change", { bubbles: true }))
  }
  if (window._dermtreePaste) document.removeEventListener("paste", window._dermtreePaste)
  window._dermtreePaste = paste
  document.addEventListener("paste", paste)
  return () => document.removeEventListener("paste", paste)
}
