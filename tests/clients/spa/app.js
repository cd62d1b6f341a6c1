// A single-page app as its authors would write it with oidc-client-ts. Each action ends by writing its name, or "<name> failed",
// into #last and its result as JSON into #result. Settings come from /settings.json, tokens stay in sessionStorage.

const actions = {
  async start(manager) {
    if (new URLSearchParams(location.search).has('state')) {
      await manager.signinCallback();
      history.replaceState({}, '', '/');
      return describe(await manager.getUser());
    }
    return describe(await manager.getUser());
  },
  async 'sign-in'(manager) {
    await manager.signinRedirect();
    return {};
  },
  async renew(manager) {
    return describe(await manager.signinSilent());
  },
  async 'user-info'(manager) {
    const { access_token: token } = await manager.getUser();
    const answer = await fetch(await manager.metadataService.getUserInfoEndpoint(), { headers: { authorization: `Bearer ${token}` } });
    return { status: answer.status, claims: await answer.json() };
  },
};

function describe(user) {
  if (!user) return null;
  const { access_token, id_token, refresh_token, expires_in, scope, profile } = user;
  return { access_token, id_token, refresh_token, expires_in, scope, profile };
}

async function run(name, manager) {
  document.querySelector('#last').textContent = `${name} running`;
  try {
    write(name, await actions[name](manager));
  } catch (error) {
    write(`${name} failed`, { name: error.name, error: error.error, message: error.message });
  }
}

function write(last, result) {
  document.querySelector('#result').textContent = JSON.stringify(result, null, 1);
  document.querySelector('#last').textContent = last;
}

const settings = await (await fetch('/settings.json')).json();
const manager = new oidc.UserManager({
  ...settings,
  response_type: 'code',
  automaticSilentRenew: false,
  monitorSession: false,
  loadUserInfo: false,
});
for (const name of ['sign-in', 'renew', 'user-info']) {
  document.querySelector(`#${name}`).addEventListener('click', () => run(name, manager));
}
await run('start', manager);
