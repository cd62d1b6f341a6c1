// The app in the browser. It knows nothing of tokens: it calls its own server, and the cookie goes along.
const element = (id) => document.getElementById(id);
// `textContent` everywhere: what a user or a server wrote is text, never HTML.
const say = (text) => (element('message').textContent = text);

/** Calls our server: the answer if it is a good one; otherwise says what went wrong. */
async function call(path, options = {}) {
  say('');
  let response;
  try {
    // The header shows the server that it is this app that calls: another site cannot send it.
    response = await fetch(path, { ...options, headers: { ...options.headers, 'X-CSRF': '1' } });
  } catch {
    say('The server cannot be reached. Try again in a moment.');
    return undefined;
  }
  if (response.ok) return response;
  if (response.status === 401) render(null);
  else if (response.status === 403) say('You have not allowed this app to do that.');
  else say(response.status === 503 ? 'The server cannot be reached. Try again in a moment.' : `The server answered ${response.status}.`);
  return undefined;
}

function render(user) {
  element('signed-out').hidden = Boolean(user);
  element('signed-in').hidden = !user;
  element('name').textContent = user?.name ?? user?.sub ?? '';
  if (!user) element('notes').replaceChildren();
}

async function load() {
  const response = await call('/api/notes');
  if (!response) return;
  const items = (await response.json()).map(({ text }) => Object.assign(document.createElement('li'), { textContent: text }));
  element('notes').replaceChildren(...items);
}

element('reload').addEventListener('click', load);
element('add').addEventListener('submit', async (event) => {
  event.preventDefault();
  const body = JSON.stringify({ text: element('text').value });
  const added = await call('/api/notes', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
  if (!added) return;
  element('text').value = '';
  await load();
});
element('sign-out').addEventListener('click', async () => {
  const response = await call('/logout', { method: 'POST' });
  if (response) location.assign((await response.json()).url);
});

// After the sign-in the user is back on the page that is open now.
element('sign-in').href = `/login?return_to=${encodeURIComponent(location.pathname + location.search)}`;
const response = await call('/user');
const user = response && (await response.json());
if (user) {
  render(user);
  await load();
}
document.body.dataset.ready = 'yes';
