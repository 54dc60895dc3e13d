// A real issuer of OpenID Connect, oidc-provider, on a free loopback port: people
// sign in with an authorization code and PKCE, services with client credentials.

import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'

import { Provider } from 'oidc-provider'

const callback = 'com.example.app:/callback'
const service = { id: 'batch-job', secret: 'secret-of-the-batch-job' }
// The gateway's, and one of those that issuers list beside them.
const scopes = ['connections:read', 'connections:write', 'quantities:read', 'profile']

// Of everything that the issuer gives out, in seconds.
const lifetime = 300
const given = ['AccessToken', 'AuthorizationCode', 'ClientCredentials', 'Grant', 'IdToken', 'Interaction', 'Session']

const base64url = (bytes) => bytes.toString('base64url')
const newKey = (kid) => ({ ...generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'ES256' })

/**
 * startIssuer starts the issuer, whose access tokens are JWTs for whichever
 * resource (RFC 8707) is asked for. It returns its `issuer`, `personsToken` and
 * `servicesToken`, which get an access token for a resource, `rotate`, after
 * which it signs with a new key, and `stop`.
 */
export async function startIssuer() {
  let provider
  const server = createServer((request, response) => provider.callback()(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const issuer = `http://127.0.0.1:${server.address().port}`
  const keys = [newKey('first')]
  provider = newProvider(issuer, keys)
  return {
    issuer,
    personsToken: (person, resource, scope) => personsToken(issuer, person, resource, scope),
    servicesToken: (resource, scope) => servicesToken(issuer, resource, scope),
    rotate: () => {
      keys.unshift(newKey('second')) // it signs with the first one that fits, and shows both
      provider = newProvider(issuer, keys)
    },
    stop: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

function newProvider(issuer, keys) {
  return new Provider(issuer, {
    jwks: { keys },
    cookies: { keys: ['a key of cookies'] },
    scopes: ['openid', 'offline_access'],
    ttl: Object.fromEntries(given.map((name) => [name, lifetime])),
    clients: [
      {
        client_id: 'app',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        redirect_uris: [callback],
        id_token_signed_response_alg: 'ES256',
      },
      {
        client_id: service.id,
        client_secret: service.secret,
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
        id_token_signed_response_alg: 'ES256',
      },
    ],
    clientAuthMethods: ['none', 'client_secret_basic'],
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    findAccount: (_, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_, resource, client) => ({
          // Nobody but the service may have users:any.
          scope: [...scopes, ...(client.clientId === service.id ? ['users:any'] : [])].join(' '),
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: lifetime,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  })
}

/** servicesToken is what a service gets for its client id and secret. */
function servicesToken(issuer, resource, scope) {
  const basic = Buffer.from(`${service.id}:${service.secret}`).toString('base64')
  return token(issuer, { grant_type: 'client_credentials', resource, scope }, { Authorization: `Basic ${basic}` })
}

/** personsToken signs a person in as an app does, in a browser of a few lines. */
async function personsToken(issuer, person, resource, scope) {
  const verifier = base64url(randomBytes(32))
  const ask = {
    client_id: 'app',
    response_type: 'code',
    redirect_uri: callback,
    resource,
    scope,
    code_challenge: base64url(createHash('sha256').update(verifier).digest()),
    code_challenge_method: 'S256',
  }
  const returned = await signIn(`${issuer}/auth?${new URLSearchParams(ask)}`, person)
  const code = returned.searchParams.get('code')
  if (!code) throw new Error(`no code came back: ${returned}`)
  return token(issuer, { grant_type: 'authorization_code', client_id: 'app', redirect_uri: callback, code, code_verifier: verifier, resource })
}

/** signIn follows redirects and fills in forms, until the browser is sent back to the app. */
async function signIn(address, person) {
  const jar = new Map()
  let next = { url: address }
  for (let step = 0; step < 20; step++) {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(next.url, { method: next.form ? 'POST' : 'GET', body: next.form, headers: { cookie }, redirect: 'manual' })
    for (const set of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(set)
      jar.set(name, value)
    }
    const page = await response.text()
    const location = response.headers.get('location')
    if (location?.startsWith(callback)) return new URL(location)
    if (location) next = { url: new URL(location, next.url) }
    else {
      const [, action] = /<form[^>]* action="([^"]+)"/.exec(page) ?? []
      const [, prompt] = /name="prompt" value="([^"]+)"/.exec(page) ?? []
      if (!action) throw new Error(`HTTP ${response.status}, and no form: ${page}`)
      const filledIn = prompt === 'login' ? { prompt, login: person, password: 'any' } : { prompt }
      next = { url: new URL(action, next.url), form: new URLSearchParams(filledIn) }
    }
  }
  throw new Error('signing in does not come to an end')
}

async function token(issuer, form, headers) {
  const response = await fetch(`${issuer}/token`, { method: 'POST', body: new URLSearchParams(form), headers })
  const answer = await response.json()
  if (!response.ok) throw new Error(`${answer.error}: ${answer.error_description}`)
  return answer.access_token
}
