/* Compiler attributes and macros that everyone needs. */
#ifndef BASE_ATTR_H
#define BASE_ATTR_H

#define SLC_CHECKED __attribute__((warn_unused_result))
#define SLC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Marks what the shared library exports; everything else is hidden. */
#define SLC_API __attribute__((visibility("default")))

#define SLC_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#endif
