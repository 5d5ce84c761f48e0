package build.kiln.operator.job;

/**
 * What an event tells.
 *
 * @param key with the resource's uid it makes the event's name, so that none is told twice
 */
public record Announcement(boolean warning, String reason, String message, String key) {
  /** Of a run, which tells it once. */
  public static Announcement normal(String reason, String message, long run) {
    return new Announcement(false, reason, message, reason + "/" + run);
  }

  /** Of a run, which tells it once. */
  public static Announcement warning(String reason, String message, long run) {
    return new Announcement(true, reason, message, reason + "/" + run);
  }
}
