package build.kiln.runtime.prune;

/**
 * Why something is kept or goes. Where several hold, the first in this order is named; so errors
 * come before rules, and what keeps before what deletes.
 */
public enum Reason {
  /** The repository could not be read. */
  REPOSITORY_UNREADABLE,
  /** It listed no tags, where it had many. */
  TAGS_VANISHED,
  /** A build or a mirror writes to the repository now. */
  REPOSITORY_BUSY,
  /** A reference that cannot be parsed names the repository. */
  REFERENCE_UNPARSABLE,
  /** It is shared with clusters whose use is not known. */
  USE_OF_OTHERS_UNKNOWN,
  /** A workload, a build or a mirror refers to it. */
  IN_USE,
  /** The policy protects its tag. */
  PROTECTED_TAG,
  /** The policy protects its labels, or they could not be read. */
  PROTECTED_LABEL,
  /** It is younger than the grace period, by its first sight. */
  YOUNG,
  /** When it came is not known, or in the future. */
  AGE_UNKNOWN,
  /** A rule keeps the newest, and it is one of those. */
  KEEP_LAST,
  /** A rule keeps what is young. */
  KEEP_YOUNGER_THAN,
  /** A rule keeps versions, and it is one of those. */
  KEEP_SEMVER,
  /** A rule for versions matches a tag that is none. */
  NO_VERSION,
  /** No rule matches it. */
  NO_RULE,
  /** It is a child or a referrer of what is kept. */
  REACHABLE,
  /** It lists or describes what is not in the repository, and never was. */
  SUBJECT_UNKNOWN,

  /** Rules match its tags and none keeps them. */
  RULE,
  /** It had no tag for long enough. */
  UNTAGGED,
  /** What lists it goes. */
  CHILD,
  /** What it signs or describes goes, or has gone. */
  REFERRER,
  /** A run that was ended was to delete it. */
  UNFINISHED;

  /** Whether it is a reason to delete. */
  public boolean deletes() {
    return compareTo(RULE) >= 0;
  }
}
