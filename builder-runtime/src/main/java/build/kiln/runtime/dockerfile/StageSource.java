package build.kiln.runtime.dockerfile;

/** What FROM, COPY --from and RUN --mount=from take files from. */
public sealed interface StageSource {

  /** A stage of the same Dockerfile. */
  record OfStage(Stage stage) implements StageSource {}

  /** Nothing: {@code scratch}. */
  record Scratch() implements StageSource {}

  /** An image: a name that is no stage, or that the build gives this meaning. */
  record Named(Word name) implements StageSource {}

  /** Files that the build was given under this name. */
  record Files(Word name) implements StageSource {}
}
