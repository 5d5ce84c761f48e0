package build.kiln.api.v1alpha1;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Size;
import io.fabric8.kubernetes.api.model.Condition;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What the newest finished run came to. Times are RFC 3339 in UTC. */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ImagePrunePolicyStatus(
    @JsonPropertyDescription("The generation of the spec that this status speaks of.")
        @Nullable Long observedGeneration,
    @Size(max = 1024)
        @JsonPropertyDescription(
            "The values of the annotations kiln.build/prune and kiln.build/approve that were handled last, the second after a space and approve=; of more than 128 characters, sha256: and their hash.")
        @Nullable String lastHandledPrune,
    @JsonPropertyDescription("The newest run.") @Nullable ScheduledRun run,
    @JsonPropertyDescription("What the newest finished run came to that could say so.")
        @Nullable Run lastRun,
    @Size(max = 64) @JsonPropertyDescription("When the next run starts by schedule.")
        @Nullable String nextRun,
    @Size(max = 8) @JsonPropertyDescription("Ready, Reconciling, Stalled.")
        @Nullable List<Condition> conditions) {

  /** The status of a resource that was never looked at. */
  public static final ImagePrunePolicyStatus NONE =
      new ImagePrunePolicyStatus(null, null, null, null, null, null);

  /** One run. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Run(
      @JsonPropertyDescription("Its number, from 1.") long number,
      @Size(max = 64) @JsonPropertyDescription("When it started.") @Nullable String startTime,
      @Size(max = 64) @JsonPropertyDescription("When it ended.") @Nullable String completionTime,
      @JsonPropertyDescription("Whether it only said what it would delete.")
          @Nullable Boolean dryRun,
      @Size(max = 64)
          @JsonPropertyDescription(
              "The hash of its plan, which an approval names in the annotation kiln.build/approve.")
          @Nullable String planHash,
      @JsonPropertyDescription("Manifests and indexes that were looked at.")
          @Nullable Integer examined,
      @Size(max = 32) @JsonPropertyDescription("How many of them are kept, by reason.")
          @Nullable List<Kept> kept,
      @JsonPropertyDescription(
              "Manifests, indexes and single tags that were deleted, or with dryRun would be.")
          @Nullable Integer deleted,
      @JsonPropertyDescription("Deletions that were not tried since something had changed.")
          @Nullable Integer left,
      @JsonPropertyDescription("Deletions that failed.") @Nullable Integer failed,
      @JsonPropertyDescription(
              "Bytes of blobs that nothing needs any more, each counted once; free when the registry has collected its garbage.")
          @Nullable Long reclaimedBytes,
      @Size(max = 1024) @JsonPropertyDescription("Where the whole report is.")
          @Nullable String report,
      @Size(max = 20) @JsonPropertyDescription("The first 20 deletions: those that failed first.")
          @Nullable List<Deletion> deletions,
      @Size(max = 10)
          @JsonPropertyDescription(
              "What a person should know of or mend, such as references that cannot be parsed.")
          @Nullable List<Warning> warnings,
      @JsonPropertyDescription("What became of images on nodes.") @Nullable Nodes nodes) {}

  /** Images on nodes, of all nodes together. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Nodes(
      @JsonPropertyDescription("Nodes that were looked at.") int looked,
      @JsonPropertyDescription(
              "Nodes that were passed over: not ready, with a taint that is not tolerated, or not of Linux.")
          int skipped,
      @JsonPropertyDescription("Nodes that could not be looked at, or not pruned as they should.")
          int failed,
      @JsonPropertyDescription("Images that were looked at.") int examined,
      @Size(max = 32) @JsonPropertyDescription("How many of them are kept, by reason.")
          @Nullable List<Kept> kept,
      @JsonPropertyDescription("Images that were removed, or with dryRun would be.") int removed,
      @JsonPropertyDescription("Removals that were not tried since something had changed.")
          int left,
      @JsonPropertyDescription("Removals that failed.") int failedRemovals,
      @JsonPropertyDescription(
              "The sizes of the images that were removed, in bytes. Layers that they share are counted for each.")
          long reclaimedBytes,
      @Size(max = 20) @JsonPropertyDescription("The first 20 images that were removed.")
          @Nullable List<NodeImage> images,
      @Size(max = 10) @JsonPropertyDescription("The first 10 nodes that failed, and why.")
          @Nullable List<NodeFailure> failures,
      @Size(max = 1024) @JsonPropertyDescription("Where the whole reports of the nodes are.")
          @Nullable String report) {}

  /** An image that was removed from a node. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record NodeImage(
      @Size(max = 253) @JsonPropertyDescription("The node.") String node,
      @Size(max = 320) @JsonPropertyDescription("One of the image's names, or its ID.")
          String image) {}

  /** A node that could not be pruned. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record NodeFailure(
      @Size(max = 253) @JsonPropertyDescription("The node.") String node,
      @Size(max = 300) @JsonPropertyDescription("What went wrong, and what to do.")
          String message) {}

  /** What became of a deletion. */
  public enum Result {
    /** A dry run, or one that was stopped by a limit, would delete it. */
    Planned,
    Deleted,
    /** Something had changed, so it was not tried. */
    Left,
    Failed
  }

  /** How many are kept for one reason. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Kept(
      @Size(max = 64) @JsonPropertyDescription("The reason.") String reason,
      @JsonPropertyDescription("How many.") int count) {}

  /** What a person should know of a run, or mend. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Warning(
      @Size(max = 64)
          @JsonPropertyDescription("Its kind, which is the reason of the event that tells it.")
          String reason,
      @Size(max = 1024) @JsonPropertyDescription("What it is about, by name, the first ten.")
          String message) {}

  /** One deletion. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Deletion(
      @Size(max = 640)
          @JsonPropertyDescription("What was deleted, as repository:tag or repository@digest.")
          String image,
      @JsonPropertyDescription("What became of it.") @Nullable Result result,
      @Size(max = 64) @JsonPropertyDescription("Why.") @Nullable String reason,
      @Size(max = 128) @JsonPropertyDescription("The rule of the spec that says so.")
          @Nullable String rule) {}
}
