package build.kiln.runtime.dockerfile;

/** What FROM, COPY --from and RUN --mount=from take files from. */
public sealed interface StageSource {

  /** A stage of the same Dockerfile. */
  record OfStage(Stage stage) implements StageSource {}

  /** Nothing: {@code scratch}. */
  record Scratch() implements StageSource {}

  /** A name that is no stage: a named context if there is one of that name, else an image. */
  record Named(Word name) implements StageSource {}
}
