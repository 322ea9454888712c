// POST /{number}/{desk}/{method}: calls the method of a desk of the worker with that number, and answers what it answered.
export default {
  async fetch(request, env) {
    const [, number, name, method] = new URL(request.url).pathname.split("/");
    const namespace = env[`DESK_${number}`];
    try {
      return new Response(await namespace.get(namespace.idFromName(name))[method](await request.text()));
    } catch (error) {
      return new Response(String(error?.stack ?? error), { status: 500 });
    }
  },
};
