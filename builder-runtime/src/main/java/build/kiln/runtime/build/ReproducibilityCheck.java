package build.kiln.runtime.build;

import build.kiln.runtime.cache.StepCache;
import build.kiln.runtime.oci.Descriptor;
import build.kiln.runtime.oci.Reference;
import build.kiln.runtime.registry.Sleeper;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;

/**
 * Builds an image again, without any cache, in another place and at a later time, and compares. It
 * may find that an image is not reproducible; that it is, it can only make likely.
 */
public final class ReproducibilityCheck {
  /** So that what writes the time in seconds writes another one. */
  private static final Duration PAUSE = Duration.ofSeconds(1);

  /** How much later the second build's history is. */
  private static final Duration LATER = Duration.ofDays(1);

  private final BuildEnvironment elsewhere;
  private final Clock clock;
  private final Sleeper sleeper;

  /**
   * @param elsewhere with the blobs of the first build's store, and another folder for roots
   * @param clock that of the first build
   */
  public ReproducibilityCheck(BuildEnvironment elsewhere, Clock clock, Sleeper sleeper) {
    this.elsewhere = elsewhere;
    this.clock = clock;
    this.sleeper = sleeper;
  }

  /**
   * Builds and compares.
   *
   * @return what differs; empty if both are the same image
   * @throws BuildException if the second build fails
   */
  public Optional<ImageDifference> difference(
      BuildRequest request, BuildResult first, BuildProgress progress)
      throws BuildException, InterruptedException, IOException {
    sleeper.sleep(PAUSE);
    BuildProgress.Activity comparing = progress.export("building again, to compare");
    BuildResult second =
        new Builder(elsewhere, Clock.offset(clock, LATER), StepCache.none(elsewhere.store()))
            .build(request.withoutCache(), progress.again());
    complete(first, second, comparing);
    complete(second, first, comparing);
    Optional<ImageDifference> difference =
        new ImageComparison(elsewhere.store(), first, second).find();
    if (difference.isPresent()) {
      comparing.failed(difference.get().text());
    } else {
      comparing.note("both are " + first.descriptor().digest());
      comparing.done();
    }
    return difference;
  }

  /** Brings layers here that the other image does not have: a registry's cache may have them. */
  private void complete(BuildResult result, BuildResult other, BuildProgress.Activity activity)
      throws IOException {
    var downloads = new Downloads(elsewhere.store(), elsewhere.registry());
    for (Descriptor layer : result.layers()) {
      Reference origin = result.origins().get(layer.digest());
      if (origin != null && !other.layers().contains(layer)) {
        downloads.require(origin, layer, activity);
      }
    }
  }
}
