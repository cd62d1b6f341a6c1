// What can be set, by variables of the environment.
const {
  ISSUER = 'http://localhost:8080', // the authorization server
  CLIENT_ID = 'notes-bff',
  CLIENT_SECRET, // as `symbolon client add` printed it
  API_URL = 'http://localhost:3001', // what this server calls for its users
  PORT = '3000',
  APP_URL = `http://localhost:${PORT}`, // where browsers find this server; in production it begins with https
} = process.env;

if (!CLIENT_SECRET) {
  console.error('CLIENT_SECRET is missing: it is the client_secret that `symbolon client add` has printed');
  process.exit(1);
}

export const settings = { ISSUER, CLIENT_ID, CLIENT_SECRET, API_URL, PORT, APP_URL };
