// The gallery's JSON interface.

export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export function address(path, parameters) {
  return `/gallery/api/${path}?${new URLSearchParams(parameters)}`;
}

// Gets JSON; throws Refused with one line that a visitor can read.
export async function get(path, parameters = {}, signal = undefined) {
  let response;
  try {
    response = await fetch(address(path, parameters), { signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused("The server does not answer: it may have been stopped. This page tries again by itself.", 0);
  }
  const answer = await response.json().catch(() => ({ error: `The server answered with status ${response.status}.` }));
  if (!response.ok) throw new Refused(answer.error, response.status);
  return answer;
}
