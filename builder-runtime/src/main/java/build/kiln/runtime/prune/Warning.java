package build.kiln.runtime.prune;

/** What a person should know of, or mend, though the run goes on. */
public record Warning(Kind kind, String message) {
  /** Kinds of warnings; stable names. */
  public enum Kind {
    /** References that cannot be parsed keep all repositories whose names they contain. */
    ReferencesUnparsable,
    /** Fields of other kinds that are to name images name none. */
    SourcesEmpty,
    /** Repositories are kept as they are until something else is over, or known. */
    RepositoriesHeld,
    /** Entries of the policy name the same repositories. */
    EntriesOverlap,
    /** Other policies name the same repositories. */
    PoliciesOverlap,
    /** What was read of manifests could not be kept: the next run reads it again. */
    ManifestsNotKept
  }
}
