// What the gateway wrote into the page: see PlaygroundConfig in web.go.

// Shown where no token is given: uncommented and completed, it is valid.
const headersHint = `{
  // "Authorization": "Bearer <your access token>"
}`

/** readConfig turns the page's configuration into what GraphiQL wants to know. */
export function readConfig(text) {
  const { endpoint, token, query, variables } = JSON.parse(text)
  const headers = token ? { Authorization: `Bearer ${token}` } : {}
  return {
    endpoint,
    // The same address, as a WebSocket: ws: or wss:, as the page is http: or https:.
    subscriptions: new URL(endpoint, location.href).href.replace(/^http/, 'ws'),
    headers,
    headersText: token ? JSON.stringify(headers, null, 2) : headersHint,
    query: query || undefined,
    variables,
  }
}
