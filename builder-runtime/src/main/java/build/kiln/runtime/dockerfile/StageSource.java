package build.kiln.runtime.dockerfile;

import org.jspecify.annotations.Nullable;

/** What FROM, COPY --from and RUN --mount=from take files from. */
public sealed interface StageSource {

  /** A stage of the same Dockerfile. */
  record OfStage(Stage stage) implements StageSource {}

  /** Nothing: {@code scratch}. */
  record Scratch() implements StageSource {}

  /**
   * An image: a name that is no stage, or that the build gives this meaning.
   *
   * @param platform such as {@code linux/arm64}; null for the one that is built
   */
  record Named(Word name, @Nullable String platform) implements StageSource {
    public Named(Word name) {
      this(name, null);
    }

    /** Name and platform: the same for one image. */
    public String key() {
      return platform == null ? name.text() : name.text() + " (" + platform + ")";
    }
  }

  /** Files that the build was given under this name. */
  record Files(Word name) implements StageSource {}
}
