package build.kiln.runtime.registry;

/**
 * Something that a registry can do or not, found out by trying.
 *
 * @param name what it is, stable for programs
 * @param detail what was seen, in words
 */
public record Capability(String name, Answer answer, String detail) {

  /** What trying came to. */
  public enum Answer {
    YES,
    NO,
    /** It was not tried, or what came of it says nothing. */
    UNKNOWN
  }

  static Capability of(String name, boolean is, String detail) {
    return new Capability(name, is ? Answer.YES : Answer.NO, detail);
  }

  static Capability unknown(String name, String why) {
    return new Capability(name, Answer.UNKNOWN, why);
  }
}
