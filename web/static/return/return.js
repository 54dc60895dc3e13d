// Completes the authorization with which a consent page sent the browser back
// here, and says in plain words what came of it. The page's address is the
// whole message: the gateway takes from it what it needs.

const { endpoint, token } = JSON.parse(document.getElementById('config').textContent)

const mutation = `mutation ($url: URL!) {
  completeAuthorization(input: { url: $url }) {
    link { dataSource { name } status }
    problem { code message }
  }
}`

/** complete asks the gateway, and returns the answer's link, problem and errors. */
async function complete(url) {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: {
      Accept: 'application/graphql-response+json, application/json',
      Authorization: `Bearer ${token}`,
      'Content-Type': 'application/json',
    },
    body: JSON.stringify({ query: mutation, variables: { url } }),
  })
  const { data, errors = [] } = await response.json()
  return { ...data?.completeAuthorization, errors }
}

/** outcome puts an answer into words. */
function outcome({ link, problem, errors }, denied) {
  const name = link?.dataSource?.name ?? 'The data source'
  const reason = problem?.message ?? errors[0]?.message
  const connected = link?.status === 'CONNECTED'
  if (denied) {
    // Who was connected before and now said no to more stays connected.
    const detail = reason ?? `${name} ${connected ? 'stays connected as it was' : 'is not connected'}.`
    return { kind: 'failed', title: 'Access was not given', detail }
  }
  if (connected) {
    return { kind: 'connected', title: `${name} is connected`, detail: 'The gateway can now ask it for data.' }
  }
  if (link?.status === 'PENDING') {
    return {
      kind: 'waiting',
      title: `${name} will be connected in a moment`,
      detail: reason ?? 'Access was given, but the source does not show it yet.',
    }
  }
  return { kind: 'failed', title: `${name} was not connected`, detail: reason ?? 'The gateway gave no reason.' }
}

function show({ kind, title, detail }) {
  document.title = `${title} – healthgraph demo`
  document.getElementById('outcome').className = kind
  document.getElementById('title').textContent = title
  document.getElementById('detail').textContent = detail
}

async function run() {
  if (!location.search) {
    show({
      kind: 'waiting',
      title: 'Nothing to complete',
      detail: 'A consent page sends the browser here. Ask for an authorizationUrl in the Playground to get to one.',
    })
    return
  }
  const denied = new URLSearchParams(location.search).get('error') === 'access_denied'
  try {
    show(outcome(await complete(location.href), denied))
  } catch (error) {
    // The address stays as it is, so that the page can be loaded again.
    show({ kind: 'failed', title: 'The gateway did not answer', detail: `${error.message}. Reload to try again.` })
    return
  }
  // The code was used: it must not linger in the address bar or the history.
  history.replaceState(null, '', location.pathname)
}

run()
