package build.kiln.runtime.mirror;

import build.kiln.api.v1alpha1.ImageMirrorStatus.Image;
import build.kiln.api.v1alpha1.ImageMirrorStatus.Result;
import build.kiln.api.v1alpha1.MirrorFailureReason;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What a run came to.
 *
 * @param images all of them, by their names
 */
public record MirrorResult(List<Image> images) {
  /** So many images are in a status. */
  public static final int MOST_IMAGES = 50;

  /** Written out: what {@link Comparator#comparing} makes, each process would make anew. */
  private static final Comparator<Image> BY_NAME =
      (a, b) -> {
        int sources = String.valueOf(a.source()).compareTo(String.valueOf(b.source()));
        return sources != 0
            ? sources
            : String.valueOf(a.destination()).compareTo(String.valueOf(b.destination()));
      };

  public MirrorResult {
    images = images.stream().sorted(BY_NAME).toList();
  }

  /** Images that were looked at; deletions are none. */
  public int observed() {
    return images.size() - count(Result.Deleted);
  }

  public int copied() {
    return count(Result.Copied);
  }

  /** Those that are kept as well. */
  public int upToDate() {
    return count(Result.UpToDate) + count(Result.Kept);
  }

  public int deleted() {
    return count(Result.Deleted);
  }

  public int failed() {
    return count(Result.Failed);
  }

  private int count(Result result) {
    return (int) images.stream().filter(image -> image.result() == result).count();
  }

  public long copiedBytes() {
    return images.stream().mapToLong(image -> orZero(image.copiedBytes())).sum();
  }

  public long mountedBytes() {
    return images.stream().mapToLong(image -> orZero(image.mountedBytes())).sum();
  }

  private static long orZero(@Nullable Long number) {
    return Objects.requireNonNullElse(number, 0L);
  }

  /** Why the run did not do all; the images' own reason if they have only one. */
  public Optional<MirrorFailureReason> reason() {
    List<MirrorFailureReason> reasons =
        images.stream()
            .filter(image -> image.result() == Result.Failed)
            .map(
                image ->
                    Objects.requireNonNullElse(image.reason(), MirrorFailureReason.ImagesFailed))
            .distinct()
            .toList();
    return switch (reasons.size()) {
      case 0 -> Optional.empty();
      case 1 -> Optional.of(reasons.getFirst());
      default -> Optional.of(MirrorFailureReason.ImagesFailed);
    };
  }

  /** Whether all that failed may be done by the next run with nothing changed. */
  public boolean retryable() {
    return failed() > 0
        && images.stream()
            .filter(image -> image.result() == Result.Failed)
            .allMatch(image -> image.reason() != null && image.reason().retryable());
  }

  /** What a status shows: what failed first, then what was copied and deleted. */
  public List<Image> shown() {
    return images.stream()
        .filter(image -> image.result() != Result.UpToDate && image.result() != Result.Kept)
        .sorted((a, b) -> Boolean.compare(a.result() != Result.Failed, b.result() != Result.Failed))
        .limit(MOST_IMAGES)
        .toList();
  }
}
