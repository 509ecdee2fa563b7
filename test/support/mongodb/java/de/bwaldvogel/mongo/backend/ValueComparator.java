package de.bwaldvogel.mongo.backend;

import de.bwaldvogel.mongo.bson.Document;
import java.util.Comparator;
import java.util.Objects;

/**
 * Stands before the library's own class, which orders texts by UTF-16 unit. MongoDB orders them by UTF-8 byte, which
 * is by code point. Knows the types that a document store of Pabal's has: none, number, text, document, boolean.
 */
public final class ValueComparator implements Comparator<Object> {
  private static final ValueComparator ASCENDING = new ValueComparator(1);
  private static final ValueComparator DESCENDING = new ValueComparator(-1);

  private final int sign;

  private ValueComparator(int sign) {
    this.sign = sign;
  }

  public static ValueComparator asc() {
    return ASCENDING;
  }

  public static ValueComparator ascWithoutListHandling() {
    return ASCENDING;
  }

  public static ValueComparator desc() {
    return DESCENDING;
  }

  @Override
  public ValueComparator reversed() {
    return sign == 1 ? DESCENDING : ASCENDING;
  }

  static int compareTypes(Object left, Object right) {
    return Integer.compare(order(left), order(right));
  }

  @Override
  public int compare(Object left, Object right) {
    return sign * ascending(left, right);
  }

  private static int ascending(Object left, Object right) {
    int types = compareTypes(left, right);
    if (types != 0) return types;
    return switch (order(left)) {
      case 0 -> 0;
      case 1 -> Double.compare(number(left), number(right));
      case 2 -> texts((String) left, (String) right);
      case 4 -> Boolean.compare((Boolean) left, (Boolean) right);
      default -> Objects.equals(left, right) ? 0 : texts(left.toString(), right.toString());
    };
  }

  /** -0 is 0. */
  private static double number(Object value) {
    return ((Number) value).doubleValue() + 0.0;
  }

  private static int texts(String left, String right) {
    int length = Math.min(left.length(), right.length());
    for (int at = 0; at < length; at++) {
      char a = left.charAt(at);
      char b = right.charAt(at);
      if (a == b) continue;
      boolean differ = Character.isSurrogate(a) != Character.isSurrogate(b);
      return differ ? (Character.isSurrogate(a) ? 1 : -1) : a - b;
    }
    return left.length() - right.length();
  }

  private static int order(Object value) {
    if (value instanceof Number) return 1;
    if (value instanceof String) return 2;
    if (value instanceof Document) return 3;
    if (value instanceof Boolean) return 4;
    return Missing.isNullOrMissing(value) ? 0 : 5;
  }
}
