// Making images.
import { begin, type Operation, type Schemas } from "../client";

export function makeImage(project: string, body: Schemas["ImagesPost"]): Promise<Operation> {
  return begin("POST", "/1.0/images", body, { project });
}
