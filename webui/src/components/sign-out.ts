// Ends this browser's session.
import { change } from "../api/client";
import { texts } from "../text";
import { tellFailure } from "./run-action";

export async function signOut(): Promise<void> {
  try {
    await change("DELETE", "/1.0/ui/session");
    window.location.reload();
  } catch (error) {
    tellFailure(texts.layout.signOut, error);
  }
}
