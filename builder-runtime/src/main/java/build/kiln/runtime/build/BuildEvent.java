package build.kiln.runtime.build;

import build.kiln.api.v1alpha1.ImageBuildStatus.CacheResult;
import build.kiln.runtime.dockerfile.Problem;
import build.kiln.runtime.layer.Layer;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What happens in a build, as it happens; what progress and reports are made of. */
public sealed interface BuildEvent {

  /** The plan is made. */
  record Planned(int steps) implements BuildEvent {}

  /** Something started; its vertex names it in all later events. */
  record Started(Vertex vertex) implements BuildEvent {}

  /**
   * A piece of a RUN step's output, as it came; pieces end anywhere.
   *
   * @param bytes not to be changed
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  record Output(Vertex vertex, byte[] bytes) implements BuildEvent {}

  /**
   * How far a transfer is.
   *
   * @param what such as {@code sha256:1f2e3d4c5b6a}
   * @param total in bytes; 0 if it is not known
   */
  record Transfer(Vertex vertex, String what, long done, long total) implements BuildEvent {}

  /** A line of information, such as the digest a name was resolved to. */
  record Note(Vertex vertex, String text) implements BuildEvent {}

  /** A warning of the Dockerfile, or one that has no place in it. */
  record Warning(String text, @Nullable Problem problem) implements BuildEvent {}

  /**
   * Something ended well.
   *
   * @param cache null for what is no step of the Dockerfile
   * @param missReason why the cache did not help, if it did not and the reason is known
   * @param layer what the step added to the image; null if nothing
   */
  record Finished(
      Vertex vertex,
      @Nullable CacheResult cache,
      @Nullable String missReason,
      Duration duration,
      @Nullable Layer layer)
      implements BuildEvent {}

  /** Something failed; the build ends with the exception of the same message. */
  record Failed(Vertex vertex, String message, Duration duration) implements BuildEvent {}
}
