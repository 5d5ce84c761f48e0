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
public record ImageMirrorStatus(
    @JsonPropertyDescription("The generation of the spec that this status speaks of.")
        @Nullable Long observedGeneration,
    @Size(max = 1024)
        @JsonPropertyDescription(
            "The value of the annotation kiln.build/sync that was handled last; of one of more than 128 characters, sha256: and its hash.")
        @Nullable String lastHandledSync,
    @Size(max = 64) @JsonPropertyDescription("When the newest finished run started.")
        @Nullable String lastSync,
    @Size(max = 64) @JsonPropertyDescription("When the next run starts by schedule or interval.")
        @Nullable String nextSync,
    @JsonPropertyDescription("The newest run.") @Nullable ScheduledRun run,
    @JsonPropertyDescription("Images that were looked at.") @Nullable Integer observed,
    @JsonPropertyDescription("Images that were copied, or with dryRun would be.")
        @Nullable Integer copied,
    @JsonPropertyDescription("Images that were there already, or are kept by overwrite: Never.")
        @Nullable Integer upToDate,
    @JsonPropertyDescription("Tags that were deleted, or with dryRun would be.")
        @Nullable Integer deleted,
    @JsonPropertyDescription("Images that were not copied, tags that were not deleted.")
        @Nullable Integer failed,
    @JsonPropertyDescription("Content that came to the destination.") @Nullable Bytes bytes,
    @Size(max = 50)
        @JsonPropertyDescription(
            "The first 50 of what failed, then of what was copied or deleted; all are in the pod's log as lines of JSON.")
        @Nullable List<Image> images,
    @Size(max = 8) @JsonPropertyDescription("Ready, Reconciling, Stalled.")
        @Nullable List<Condition> conditions) {

  /** The status of a resource that was never looked at. */
  public static final ImageMirrorStatus NONE =
      new ImageMirrorStatus(
          null, null, null, null, null, null, null, null, null, null, null, null, null);

  /** Content that came to the destination. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  public record Bytes(
      @JsonPropertyDescription("Bytes of blobs that were sent.") long copied,
      @JsonPropertyDescription("Bytes of blobs that the registry took from other repositories.")
          long mounted) {}

  /** What became of an image. */
  public enum Result {
    Copied,
    UpToDate,
    Kept,
    Deleted,
    Failed
  }

  /** One image of a run. */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Image(
      @Size(max = 512) @JsonPropertyDescription("Its name at the source.") @Nullable String source,
      @Size(max = 512) @JsonPropertyDescription("Its name at the destination.")
          @Nullable String destination,
      @Size(max = 160) @JsonPropertyDescription("What the name stands for at the destination.")
          @Nullable String digest,
      @JsonPropertyDescription("What became of it.") @Nullable Result result,
      @JsonPropertyDescription("Why it failed.") @Nullable MirrorFailureReason reason,
      @Size(max = 1024) @JsonPropertyDescription("What was tried, and what to do.")
          @Nullable String message,
      @JsonPropertyDescription("Bytes of its blobs that were sent.") @Nullable Long copiedBytes,
      @JsonPropertyDescription("Bytes of its blobs that the registry had elsewhere.")
          @Nullable Long mountedBytes) {}
}
