// The MCP TypeScript SDK on both sides: a server that takes access tokens, and a client that is led to the authorization server,
// calls a tool, and refreshes. Neither knows of the other but by its URL and the metadata that it finds.
// Settings as in program.mjs, where `url` is the server's; also: application_of_server (the lines for it) and scopes (whether the
// server tells which scopes it needs).
import { assert, done, input, port, printed, step } from './program.mjs';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { InvalidTokenError } from '@modelcontextprotocol/sdk/server/auth/errors.js';
import { requireBearerAuth } from '@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js';
import { getOAuthProtectedResourceMetadataUrl, mcpAuthMetadataRouter } from '@modelcontextprotocol/sdk/server/auth/router.js';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import express from 'express';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { HttpUserAgent } from '../http_user_agent.mjs';

const AsyncFunction = (async () => {}).constructor;
const path = new URL(input.url).pathname;

/** The server, with its printed lines; those are TypeScript. */
async function serve() {
  const app = express();
  let lines = input.application_of_server.map((part) => part.lines).join('\n');
  lines = lines.replace(/\((\w+): string\)/g, '($1)').replaceAll('https://mcp.example.com/mcp', input.url).replaceAll('"/mcp"', JSON.stringify(path));
  if (!input.scopes) lines = lines.replace(/, scopesSupported: \[.*?\]/, '').replace(/requiredScopes: \[.*?\], /, '');
  const names = {
    app, InvalidTokenError, createRemoteJWKSet, jwtVerify, mcpAuthMetadataRouter, requireBearerAuth, getOAuthProtectedResourceMetadataUrl,
  };
  await new AsyncFunction(...Object.keys(names), lines)(...Object.values(names));
  app.post(path, express.json(), async (request, response) => {
    const server = new McpServer({ name: 'notes', version: '1' });
    server.registerTool('scopes', {}, ({ authInfo }) => ({ content: [{ type: 'text', text: authInfo.scopes.join(' ') }] }));
    const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined });
    await server.connect(transport);
    await transport.handleRequest(request, response, request.body);
  });
  app.all(path, (request, response) => response.sendStatus(405));
  app.listen(port);
}

/** A browser's part: it signs in at the authorization server, and brings the code. */
class Provider {
  async redirectToAuthorization(url) {
    this.back = await new HttpUserAgent(input).authorize(url);
  }

  tokens = () => this.kept;
  saveTokens = (tokens) => (this.kept = tokens);
  codeVerifier = () => this.verifier;
  saveCodeVerifier = (verifier) => (this.verifier = verifier);
}

await serve();
const WithLines = new Function('Provider', `return class extends Provider {${printed()}}`)(Provider);
const authProvider = new WithLines();
const connect = async () => {
  const client = new Client({ name: 'test', version: '1' });
  const transport = new StreamableHTTPClientTransport(new URL(input.url), { authProvider });
  return { client, transport, connected: client.connect(transport) };
};

const { transport, connected } = await connect();
await assert.rejects(connected, { name: 'Error', message: /Unauthorized/ }, 'no token yet');
assert.equal(authProvider.back.searchParams.get('error'), null, `no error, received ${authProvider.back}`);
await transport.finishAuth(authProvider.back.searchParams.get('code'));
step('signed in');

const { client, connected: again } = await connect();
await again;
const scopes = async () => (await client.callTool({ name: 'scopes' })).content[0].text.split(' ');
assert.ok((await scopes()).includes('mcp:tools'), `scopes of the token: ${await scopes()}`);
step('called a tool');

const before = authProvider.kept;
authProvider.kept = { ...before, access_token: 'expired' };
authProvider.back = null;
assert.ok((await scopes()).includes('mcp:tools'));
assert.equal(authProvider.back, null, 'nobody had to sign in again');
assert.notEqual(authProvider.kept.refresh_token, before.refresh_token, 'the refresh token is rotated');
step('refreshed');
done();
