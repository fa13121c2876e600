// The panel, live: each event brings the HTML of one item, escaped by the server.
const KEPT = 80

const panel = document.querySelector('.panel')
const list = panel.querySelector('ol')
const status = panel.querySelector('.status')
const events = new EventSource(`/events?after=${panel.dataset.after}`)

events.addEventListener('open', () => {
  status.textContent = 'Live'
})
events.addEventListener('error', () => {
  status.textContent = 'Not connected'
})
events.addEventListener('activity', (event) => {
  const { html, totals } = JSON.parse(event.data)
  list.insertAdjacentHTML('afterbegin', html)
  panel.querySelector('.totals').innerHTML = totals
  while (list.children.length > KEPT) list.lastElementChild.remove()
})
