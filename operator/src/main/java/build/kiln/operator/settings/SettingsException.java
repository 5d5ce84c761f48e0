package build.kiln.operator.settings;

/** The settings cannot be used; the message says which one, why, and what to write instead. */
public final class SettingsException extends RuntimeException {
  public SettingsException(String message) {
    super(message);
  }

  public SettingsException(String message, Throwable cause) {
    super(message, cause);
  }
}
