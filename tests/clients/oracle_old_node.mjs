// What `oidc-provider` uses of Node 22 and Node 18 lacks. Import this before it.
import * as crypto from 'node:crypto';
import * as modules from 'node:module';

URL.parse ??= (text, base) => {
  try {
    return new URL(text, base);
  } catch {
    return null;
  }
};
URL.canParse ??= (text, base) => URL.parse(text, base) !== null;

/** The address of a module with this text. */
const inline = (text) => `data:text/javascript,${encodeURIComponent(text)}`;

if (crypto.hash === undefined) {
  // It reads crypto.hash as a member of the module, where none can be added: it gets a module that has it.
  const withHash = inline(`
    import { createHash } from 'node:crypto';
    export * from 'node:crypto';
    export const hash = (name, data, form) => createHash(name).update(data).digest(form === 'buffer' ? undefined : form);`);
  modules.register(inline(`
    export const resolve = (name, context, next) => name === 'node:crypto' && context.parentURL?.includes('/oidc-provider/')
      ? { url: ${JSON.stringify(withHash)}, shortCircuit: true }
      : next(name, context);`));
}
