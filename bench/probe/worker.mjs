// Calls one method of a worker or an object, once for each list of arguments, and times them from first to last.
export default {
  async fetch(request, env) {
    const { target, object, method, calls } = await request.json();
    const peer = object ? env[target].getByName(object) : env[target];
    const answers = [];
    const started = Date.now(); // stands still between awaits, and every call is one
    for (const args of calls) answers.push(await peer[method](...args));
    return Response.json({ ms: Date.now() - started, answers });
  },
};
