package build.kiln.operator.job;

/**
 * What an event tells.
 *
 * @param key with the resource's uid it makes the event's name, so that none is told twice
 */
public record Announcement(boolean warning, String reason, String message, String key) {}
