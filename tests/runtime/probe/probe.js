// POST /{brain|desk|book}/{object name}/{method}: calls the method with the body as its one text, and answers what it answered.
// With ?twice=1 it calls twice and answers how long each took, in milliseconds.
const stubOf = (env, kind, name) => {
  if (kind === "brain") return env.BRAIN;
  const namespace = env[kind.toUpperCase()];
  return namespace.get(namespace.idFromName(decodeURIComponent(name)));
};

export default {
  async fetch(request, env) {
    const url = new URL(request.url);
    const [, kind, name, method] = url.pathname.split("/");
    const body = await request.text();
    try {
      const stub = stubOf(env, kind, name);
      if (!url.searchParams.has("twice")) return new Response(await stub[method](body));
      const times = [];
      for (let turn = 0; turn < 2; turn++) {
        const began = performance.now();
        await stub[method](body);
        times.push(performance.now() - began);
      }
      return Response.json(times);
    } catch (error) {
      return new Response(String(error?.stack ?? error), { status: 500 });
    }
  },
};
