package build.kiln.operator.scheduled;

import build.kiln.api.v1alpha1.ImageBuildSpec.History;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What deciding needs to know of a resource.
 *
 * @param problem what is wrong with its spec; nothing else but {@code generation} and {@code
 *     before} is read if something is
 * @param generation of its metadata
 * @param timing when it runs by itself
 * @param specHash of what it asks for; another one starts a run
 * @param podHash of what shapes its pods; another one starts a run if the newest one failed
 * @param wish the value of the annotation by which a user asks for a run
 * @param history how many Jobs are kept, and how long
 * @param before its status as it was read
 */
public record Subject(
    Optional<String> problem,
    @Nullable Long generation,
    boolean suspend,
    Timing timing,
    String specHash,
    String podHash,
    @Nullable String wish,
    History history,
    Standing before) {
  private static final History BY_DEFAULT = new History(3, 3, "24h");

  /** Of a resource whose spec cannot be used. */
  public static Subject invalid(String problem, @Nullable Long generation, Standing before) {
    return new Subject(
        Optional.of(problem), generation, false, Timing.NONE, "", "", null, BY_DEFAULT, before);
  }
}
