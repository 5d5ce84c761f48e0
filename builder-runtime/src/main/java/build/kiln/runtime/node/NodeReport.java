package build.kiln.runtime.node;

import build.kiln.runtime.node.NodeMemory.Seen;
import build.kiln.runtime.node.NodePlan.Verdict;
import build.kiln.runtime.oci.Json;
import build.kiln.runtime.oci.OciException;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What became of a node's images, each with its reason, in JSON. It is what the next run remembers,
 * too.
 *
 * @param runtime name and version
 * @param time of the look, RFC 3339
 * @param stop why nothing was removed; null if it was, or there was nothing to remove
 */
@JsonIgnoreProperties(ignoreUnknown = true)
@JsonInclude(JsonInclude.Include.NON_NULL)
public record NodeReport(
    String apiVersion,
    String kind,
    String policy,
    long run,
    String node,
    String runtime,
    String time,
    boolean dryRun,
    @Nullable String stop,
    List<Image> images) {
  private static final String VERSION = "prune.kiln.build/v1";
  private static final String KIND = "NodeReport";

  /** So many images are remembered, those before the others that have been unused for longest. */
  static final int MOST = 1000;

  private static final int MOST_NAMES = 10;

  /** What became of an image. */
  public enum Result {
    KEPT,
    /** A dry run, or one that a limit stopped, would remove it. */
    PLANNED,
    /** It was about to be removed when this was written; what became of it is not known. */
    REMOVING,
    REMOVED,
    /** It was not there any more. */
    GONE,
    /** Something has changed since the plan was made: it stays. */
    LEFT,
    FAILED;

    /** Whether the image is not on the node any more, or may not be: it counts as new then. */
    boolean away() {
      return this == REMOVING || this == REMOVED || this == GONE;
    }
  }

  /**
   * One image.
   *
   * @param names the first ten
   * @param nameHash of all names
   * @param size in bytes
   * @param firstSeen with these names, RFC 3339
   * @param unusedSince RFC 3339; null if a container has it
   * @param rule the field of the policy that says so; null if none does
   * @param detail why, for people
   */
  @JsonIgnoreProperties(ignoreUnknown = true)
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Image(
      String id,
      List<String> names,
      String nameHash,
      long size,
      String firstSeen,
      @Nullable String unusedSince,
      Result result,
      NodeReason reason,
      @Nullable String rule,
      String detail) {
    static Image of(Verdict verdict, Result result, String detail) {
      Seen seen = verdict.seen();
      return new Image(
          verdict.image().id(),
          verdict.image().names().limit(MOST_NAMES).toList(),
          seen.names(),
          verdict.image().size(),
          seen.firstSeen().toString(),
          seen.unusedSince() == null ? null : seen.unusedSince().toString(),
          result,
          verdict.reason(),
          verdict.rule(),
          detail);
    }

    /** What people know it by. */
    String name() {
      return names.isEmpty() ? id : names.getFirst();
    }
  }

  NodeReport(
      String policy,
      long run,
      String node,
      String runtime,
      Instant time,
      boolean dryRun,
      @Nullable String stop,
      List<Image> images) {
    this(VERSION, KIND, policy, run, node, runtime, time.toString(), dryRun, stop, images);
  }

  /** As JSON; without those that have been in use for longest if there are too many. */
  byte[] write() {
    return Json.write(
        new NodeReport(
            apiVersion, kind, policy, run, node, runtime, time, dryRun, stop, remembered()));
  }

  private List<Image> remembered() {
    return images.size() <= MOST
        ? images
        : images.stream()
            .sorted(
                Comparator.comparing((Image image) -> image.result().away())
                    .thenComparing(
                        Image::unusedSince, Comparator.nullsLast(Comparator.naturalOrder())))
            .limit(MOST)
            .toList();
  }

  /**
   * What a report remembers.
   *
   * @throws OciException if it is none
   */
  static NodeMemory memory(byte[] json) {
    NodeReport report = Json.read(json, NodeReport.class, "what is remembered of the node");
    if (!KIND.equals(report.kind) || !VERSION.equals(report.apiVersion)) {
      throw new OciException(
          "what is remembered of the node is \"%s\" of \"%s\", wanted \"%s\" of \"%s\""
              .formatted(report.kind, report.apiVersion, KIND, VERSION));
    }
    try {
      Map<String, Seen> seen = new HashMap<>();
      for (Image image : report.images) {
        if (!image.result().away()) {
          seen.put(
              Objects.requireNonNull(image.id()),
              new Seen(
                  Instant.parse(image.firstSeen()),
                  image.unusedSince() == null ? null : Instant.parse(image.unusedSince()),
                  Objects.requireNonNull(image.nameHash())));
        }
      }
      return new NodeMemory(seen, Instant.parse(report.time));
    } catch (DateTimeException | NullPointerException e) {
      throw new OciException(
          "what is remembered of the node has a time that is none, or lacks something", e);
    }
  }
}
