/** What a model says of the image, as far as it was asked. */
import { listPatientMembers, retrieveCohort } from "../../api/catalog";
import { explainImage, listModels, predictImage, retrieveJob } from "../../api/trainer";
import type { Cohort, ImageRecord, Model, Predictions } from "../../api/types";
import { type HeatMap, parseHeat } from "../../lib/heat";
import { type Acquaintance, acquaintance } from "../../lib/trained";
import { type Resource, useResource } from "../../ui/resource";
import { method as methodAsked, model as modelAsked } from "./state";

export interface Heat {
  readonly imageId: number;
  readonly map: HeatMap;
}

export interface Asked {
  readonly models: Resource<readonly Model[]>;
  /** The one chosen, once it is known. */
  readonly model: Model | undefined;
  readonly predictions: Resource<Predictions>;
  readonly heat: Resource<Heat>;
  /** The cohort that the model was trained on; where it may not be read, nothing is compared. */
  readonly cohort: Cohort | undefined;
  /** Whether the model has seen the image before; an error where its cohort may not be read. */
  readonly acquaintance: Resource<Acquaintance>;
}

async function loadHeat(
  modelId: string,
  imageId: number,
  method: string,
  aborted: AbortSignal,
): Promise<Heat> {
  const map = parseHeat(await explainImage(modelId, imageId, method, aborted));
  if (!map) throw new Error("The map of this image cannot be read.");
  return { imageId, map };
}

/** A cohort of another dataset has none of its patients, whatever their names. */
async function meet(
  record: ImageRecord,
  model: Model,
  aborted: AbortSignal,
): Promise<Acquaintance> {
  const { cohort_id: cohortId, dataset } = model.lineage;
  const known = cohortId && dataset === record.dataset;
  const [members, job] = await Promise.all([
    known ? listPatientMembers(cohortId, record.patient_id, aborted) : { items: [] },
    retrieveJob(model.model_id, aborted),
  ]);
  return acquaintance(record.image_id, members.items, job.spec);
}

export function useAsked(record: ImageRecord | undefined): Asked {
  const chosen = modelAsked.value;
  const method = methodAsked.value;
  const imageId = record?.image_id ?? 0;
  // Arrays are pixels of their own: how a picture of the catalog becomes one is not known.
  const models = useResource("models", async (aborted) =>
    (await listModels(aborted)).filter((one) => one.lineage.cohort_id !== null),
  );
  const model = models.data?.find((one) => one.model_id === chosen);
  const id = record ? model?.model_id : undefined;
  const predictions = useResource(
    id ? `predict ${id} ${imageId}` : null,
    (aborted) => predictImage(id ?? "", imageId, aborted),
    false,
  );
  const heat = useResource(
    id && method ? `heat ${id} ${imageId} ${method}` : null,
    (aborted) => loadHeat(id ?? "", imageId, method ?? "", aborted),
    false,
  );
  const cohortId = model?.lineage.cohort_id;
  const cohort = useResource(cohortId ? `cohort ${cohortId}` : null, (aborted) =>
    retrieveCohort(cohortId ?? "", aborted),
  );
  const met = useResource(
    record && model ? `meet ${model.model_id} ${imageId}` : null,
    (aborted) => (record && model ? meet(record, model, aborted) : Promise.reject(new Error())),
    false,
  );
  const trainedOn = cohort.data?.cohort_id === cohortId ? cohort.data : undefined;
  return { models, model, predictions, heat, cohort: trainedOn, acquaintance: met };
}
