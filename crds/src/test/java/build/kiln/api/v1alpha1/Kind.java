package build.kiln.api.v1alpha1;

import io.fabric8.kubernetes.client.CustomResource;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A kind of the API, and what fabric8 has no annotations for.
 *
 * @param file the CRD's
 * @param what it is, in a sentence
 * @param spec what its spec says, in a sentence
 * @param columns of {@code kubectl get}
 * @param listMapKeys lists whose items have a key, by path from the root of the schema
 * @param listSets lists whose items are there once
 * @param reasons why a run may fail, and whether a new attempt may help
 */
record Kind(
    Class<? extends CustomResource<?, ?>> type,
    String file,
    String what,
    String spec,
    List<Column> columns,
    Map<String, String> listMapKeys,
    List<String> listSets,
    Map<String, Boolean> reasons) {

  /** A column of {@code kubectl get}. */
  record Column(String name, String type, String path, String description) {}

  private static final Column REASON =
      new Column(
          "REASON",
          "string",
          ".status.conditions[?(@.type==\"Ready\")].reason",
          "Why it is ready or not.");
  private static final Column AGE =
      new Column("AGE", "date", ".metadata.creationTimestamp", "How old the resource is.");

  /** Why a pod of whatever kind did not do its work. */
  private static final List<FailureReason> OF_PODS =
      List.of(
          FailureReason.OutOfMemory,
          FailureReason.DiskFull,
          FailureReason.DeadlineExceeded,
          FailureReason.QuotaExceeded,
          FailureReason.PodRefused,
          FailureReason.Unschedulable,
          FailureReason.BuilderImageUnavailable);

  static final Kind IMAGE_BUILD =
      new Kind(
          ImageBuild.class,
          "imagebuilds.kiln.build.yaml",
          "An image that is built from a source and pushed to a registry.",
          "What to build, how, and where the image goes.",
          List.of(
              ready("Whether status.image is what the spec asks for."),
              REASON,
              new Column("STEP", "string", ".status.step", "The step that the newest run is at."),
              new Column("IMAGE", "string", ".status.image", "The newest good image."),
              AGE),
          Map.ofEntries(
              Map.entry("spec.buildArgs", "name"),
              Map.entry("spec.contexts", "name"),
              Map.entry("spec.contexts[].inline", "path"),
              Map.entry("spec.contexts[].configMap.items", "path"),
              Map.entry("spec.registrySecrets", "name"),
              Map.entry("spec.secrets", "id"),
              Map.entry("spec.ssh", "id"),
              Map.entry("spec.source.inline", "path"),
              Map.entry("spec.source.configMap.items", "path"),
              Map.entry("status.runs", "number"),
              Map.entry("status.conditions", "type")),
          List.of("spec.output.tags"),
          reasons(
              Stream.of(FailureReason.values())
                  .map(reason -> Map.entry(reason.name(), reason.retryable()))));

  static final Kind IMAGE_MIRROR =
      new Kind(
          ImageMirror.class,
          "imagemirrors.kiln.build.yaml",
          "A set of images that is kept at a destination as it is at its source.",
          "What to copy, where to, and when.",
          List.of(
              ready("Whether the newest run copied all that the spec asks for."),
              REASON,
              new Column("OBSERVED", "integer", ".status.observed", "Images that were looked at."),
              new Column("COPIED", "integer", ".status.copied", "Images that were copied."),
              new Column("FAILED", "integer", ".status.failed", "Images that were not copied."),
              new Column("LAST", "date", ".status.lastSync", "When the newest run started."),
              AGE),
          Map.of("status.conditions", "type"),
          List.of(
              "spec.platforms",
              "spec.artifactTypes",
              "spec.source.repositories",
              "spec.source.digests",
              "spec.tags.include",
              "spec.tags.exclude"),
          reasons(
              Stream.concat(
                  Stream.of(MirrorFailureReason.values())
                      .map(reason -> Map.entry(reason.name(), reason.retryable())),
                  OF_PODS.stream().map(reason -> Map.entry(reason.name(), reason.retryable())))));

  static final Kind IMAGE_PRUNE_POLICY =
      new Kind(
          ImagePrunePolicy.class,
          "imageprunepolicies.kiln.build.yaml",
          "What may be deleted from registries, caches and the cluster, and what never.",
          "Where, when, and by which rules.",
          List.of(
              ready("Whether the newest run did all that the spec asks for."),
              REASON,
              new Column("DRYRUN", "boolean", ".spec.dryRun", "Whether nothing is deleted."),
              new Column("EXAMINED", "integer", ".status.lastRun.examined", "Manifests looked at."),
              new Column(
                  "DELETED",
                  "integer",
                  ".status.lastRun.deleted",
                  "What was deleted, or would be."),
              new Column(
                  "RECLAIMED", "integer", ".status.lastRun.reclaimedBytes", "Bytes set free."),
              new Column("NEXT", "string", ".status.nextRun", "When the next run starts."),
              AGE),
          Map.ofEntries(
              Map.entry("spec.protect.labels", "name"),
              Map.entry("status.lastRun.kept", "reason"),
              Map.entry("status.conditions", "type")),
          List.of("spec.registries[].sharedWith"),
          reasons(
              Stream.of(PruneFailureReason.values())
                  .map(reason -> Map.entry(reason.name(), reason.retryable()))));

  static final List<Kind> ALL = List.of(IMAGE_BUILD, IMAGE_MIRROR, IMAGE_PRUNE_POLICY);

  String name() {
    return type.getSimpleName();
  }

  @Override
  public String toString() {
    return name();
  }

  private static Column ready(String description) {
    return new Column(
        "READY", "string", ".status.conditions[?(@.type==\"Ready\")].status", description);
  }

  private static Map<String, Boolean> reasons(Stream<Map.Entry<String, Boolean>> reasons) {
    Map<String, Boolean> ordered = new LinkedHashMap<>();
    reasons.forEach(reason -> ordered.put(reason.getKey(), reason.getValue()));
    return ordered;
  }
}
