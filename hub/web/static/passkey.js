// WebAuthn with the hub's JSON options: bytes travel as base64url.

export function supported() {
  return window.isSecureContext && "PublicKeyCredential" in window;
}

export async function create(options) {
  const publicKey = {
    ...options,
    challenge: toBytes(options.challenge),
    user: { ...options.user, id: toBytes(options.user.id) },
    excludeCredentials: (options.excludeCredentials ?? []).map(withBytes),
  };
  const made = await navigator.credentials.create({ publicKey });
  return {
    ...shared(made),
    response: {
      clientDataJSON: toText(made.response.clientDataJSON),
      attestationObject: toText(made.response.attestationObject),
      transports: made.response.getTransports?.() ?? [],
    },
  };
}

export async function get(options) {
  const publicKey = {
    ...options,
    challenge: toBytes(options.challenge),
    allowCredentials: (options.allowCredentials ?? []).map(withBytes),
  };
  const shown = await navigator.credentials.get({ publicKey });
  const { clientDataJSON, authenticatorData, signature, userHandle } = shown.response;
  return {
    ...shared(shown),
    response: {
      clientDataJSON: toText(clientDataJSON),
      authenticatorData: toText(authenticatorData),
      signature: toText(signature),
      userHandle: userHandle ? toText(userHandle) : null,
    },
  };
}

// What the browser's refusal means to the person before it; null if it is none of the browser's.
export function refusalInWords(error) {
  switch (error.name) {
    case "NotAllowedError":
      return "Nothing was confirmed: it was cancelled or took too long, or no passkey of this account is here.";
    case "InvalidStateError":
      return "This device or key is registered already. Use another one.";
    case "SecurityError":
      return "Passkeys do not work at this address. Open the portal at the address that your administrator gave you.";
    case "NotSupportedError":
      return "This device or key cannot verify who you are. Use one with a fingerprint, face or PIN.";
    default:
      return null;
  }
}

function shared(credential) {
  return {
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    authenticatorAttachment: credential.authenticatorAttachment,
    clientExtensionResults: credential.getClientExtensionResults(),
  };
}

function withBytes(descriptor) {
  return { ...descriptor, id: toBytes(descriptor.id) };
}

function toBytes(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function toText(buffer) {
  const binary = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
