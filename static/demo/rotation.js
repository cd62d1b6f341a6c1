// Two stories about refresh tokens, played against the real server: an answer that is lost, and a token that was stolen.
// Owns the order of the steps and what each answer means; each step is told as {kind, …} to view-rotation.js.

import { errorOf } from "./errors.js";

/** The app's answer goes missing, so it presents the same token again and should get the same successor. */
export async function loseTheAnswer(session, tell) {
  const spent = session.newest;
  const lost = await session.present(spent.token);
  if (lost.status !== 200) return refused(session, spent, lost, tell);
  tell({ kind: "answer-lost", generation: spent.number, token: spent.token, ...lost });

  const again = await session.present(spent.token);
  // A client with a retry window of nothing is told of reuse here, and that ends the family.
  if (again.status !== 200) return refused(session, spent, again, tell);
  const same = again.body.refresh_token === lost.body.refresh_token;
  session.accept(again.body);
  tell({ kind: same ? "same-successor" : "forked", generation: spent.number, token: spent.token, ...again });
}

/** A token at least two generations old is presented: no retry window covers it. Then the newest shows that the family is dead. */
export async function presentAnOldToken(session, tell) {
  while (session.generations.length < 3) {
    await session.refreshNow();
    tell({ kind: "rotated-first", generation: session.newest.number, token: session.newest.token, status: 200, body: null });
  }
  const old = session.generations.at(-3);
  const stolen = await session.present(old.token);
  tell({ kind: stolen.status === 200 ? "old-accepted" : "old-refused", generation: old.number, token: old.token, ...stolen });

  const newest = session.newest;
  const answer = await session.present(newest.token);
  if (answer.status !== 200) return refused(session, newest, answer, tell);
  session.accept(answer.body);
  tell({ kind: "newest-accepted", generation: newest.number, token: newest.token, ...answer });
}

function refused(session, generation, answer, tell) {
  const error = errorOf(answer.status, answer.body);
  tell({ kind: "newest-refused", generation: generation.number, token: generation.token, ...answer });
  if (error.code === "invalid_grant") session.bury(error);
}
