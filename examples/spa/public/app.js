// What is on the page. Everything about tokens is in session.js.
import { callApi, finishSignIn, signIn, signOut, watchUser } from './session.js';

const element = (id) => document.getElementById(id);
// `textContent` everywhere: what a user or a server wrote is text, never HTML.
const say = (text) => (element('message').textContent = text);

let shown; // whose notes are on the page

async function render(user) {
  element('signed-out').hidden = Boolean(user);
  element('signed-in').hidden = !user;
  element('name').textContent = user?.profile.name ?? user?.profile.preferred_username ?? user?.profile.sub ?? '';
  if (user?.profile.sub === shown) return;
  shown = user?.profile.sub;
  element('notes').replaceChildren();
  if (user) await load();
}

async function load() {
  const response = await call('/notes');
  if (!response) return;
  const items = (await response.json()).map(({ text }) => Object.assign(document.createElement('li'), { textContent: text }));
  element('notes').replaceChildren(...items);
}

/** Calls the API, and says what went wrong. */
async function call(path, options) {
  say('');
  try {
    const response = await callApi(path, options);
    if (response?.ok) return response;
    if (response?.status === 403) say('You have not allowed this app to do that.');
    else say(response ? `The API answered ${response.status}.` : 'You have been signed out.');
  } catch {
    say('The server cannot be reached. Try again in a moment.');
  }
  return undefined;
}

element('sign-in').addEventListener('click', () => signIn().catch(() => say('The server cannot be reached. Try again in a moment.')));
element('sign-out').addEventListener('click', () => signOut().catch(() => say('The server cannot be reached. Try again in a moment.')));
element('reload').addEventListener('click', load);
element('add').addEventListener('submit', async (event) => {
  event.preventDefault();
  const body = JSON.stringify({ text: element('text').value });
  const added = await call('/notes', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
  if (!added) return;
  element('text').value = '';
  await load();
});

if (location.pathname === '/callback') {
  let address = '/';
  try {
    address = await finishSignIn();
  } catch (error) {
    // `access_denied` is the user's own choice. Anything else is a fault, or somebody has led the user here: nobody is signed in.
    say(error.error === 'access_denied' ? 'You have not allowed this app to see your notes.' : 'Signing in did not work. Please try again.');
    console.warn(error);
  }
  history.replaceState(null, '', address); // the code does not stay in the address
}
await watchUser(render);
document.body.dataset.ready = 'yes';
